/** For a request: a name may hold anything. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** Socket path of an address such as `unix:///run/vault.sock`; null for any other address. */
export function socketPathOf(address: string): string | null {
  return /^unix:\/\/(\/.+)$/.exec(address)?.[1] ?? null;
}

/** Host of a URL as sockets and certificates name it: without brackets and trailing dot. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

export function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80));
}

/** Whether a host is this one, regardless of name resolution; with or without the brackets of a URL. */
export function isLoopbackHost(host: string): boolean {
  const plain = host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  return (
    plain === 'localhost' ||
    plain === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(plain) ||
    /^::ffff:(7f[0-9a-f]{2}:|127\.)/.test(plain)
  );
}

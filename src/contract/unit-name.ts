/** The name of a unit as systemd completes it: `vault` is `vault.service`. */
export function unitName(typed: string): string {
  return /\.(service|target|scope)$/.test(typed) ? typed : `${typed}.service`;
}

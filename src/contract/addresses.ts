/** Path of the socket that an address such as `unix:///run/vault.sock` names; null for any other address. */
export function socketPathOf(address: string): string | null {
  return /^unix:\/\/(\/.+)$/.exec(address)?.[1] ?? null;
}

/** Host of a URL as sockets and certificates have it: without brackets, and without a dot at its end. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

export function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80));
}

/** Whether what is sent to a host stays on this one, whatever resolves names; as a URL has it, or without its brackets. */
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

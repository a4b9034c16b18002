import { isIP } from 'node:net';
import { z } from 'zod';
import { isLoopbackHost } from '../../contract/addresses';
import { login } from './login';
import { path } from './values';

const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/;

/** Address and port of `listen`; null if it is none. */
export function listenPlace(listen: string): { address: string; port: number } | null {
  const [, six, four, digits] = LISTEN.exec(listen) ?? [];
  const [address, port] = [six ?? four ?? '', Number(digits)];
  return isIP(address) !== 0 && port <= 65_535 ? { address, port } : null;
}

const origin = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://vault-dr.example.com' })
  .refine((url) => !URL.canParse(url) || new URL(url).href === `${new URL(url).origin}/`, {
    error: 'must be scheme, host and port alone: the pages are at the root of it',
  })
  .transform((url) => new URL(url).origin);

export const web = z
  .strictObject({
    listen: z
      .string()
      .refine((text) => listenPlace(text) !== null, {
        error: 'must be an IP address and a port, such as 127.0.0.1:8300',
      })
      .default('127.0.0.1:8300')
      .describe('IP address and port on which the pages are served.'),
    publicUrl: origin
      .optional()
      .describe(
        'How people reach the pages, such as https://vault-dr.example.com. Requests for another name are refused. Default: the address of `listen`.',
      ),
    tls: z
      .strictObject({
        certFile: path.describe(
          'Certificate of the server, PEM, with intermediate certificates. Read again when it changes.',
        ),
        keyFile: path.describe('Its private key, PEM without a passphrase. Read again when it changes.'),
      })
      .optional()
      .describe('Serves the pages by TLS. Default: a proxy in front does, or nobody.'),
    temporalUi: z
      .url({ protocol: /^https?$/, error: 'must be a URL such as https://temporal.example.com' })
      .optional()
      .describe("Address of Temporal's Web UI, for links. Default: there are none."),
    login: login.describe('How people log in.'),
  })
  .superRefine(({ listen, publicUrl, tls, login: { method } }, context) => {
    const place = listenPlace(listen);
    if (place === null) return;
    const refuse = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    if (['0.0.0.0', '::'].includes(place.address) && publicUrl === undefined) {
      refuse('publicUrl', 'is needed where `listen` means every address of the host');
    }
    if (tls !== undefined && publicUrl?.startsWith('http:')) refuse('publicUrl', 'must begin with https:// with `tls`');
    if (tls === undefined && method === 'certificate') refuse('tls', 'is needed for client certificates');
    if (tls === undefined && !isLoopbackHost(place.address) && !publicUrl?.startsWith('https:')) {
      refuse(
        'listen',
        'leaves this host without TLS: set `tls`; or publicUrl to the https:// address of a proxy in front',
      );
    }
  });
export type WebConfig = z.infer<typeof web>;

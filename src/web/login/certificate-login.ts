import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Context, Hono } from 'hono';
import type { CertificateConfig } from '../../config/settings/login';
import { principalOfCertificate } from './certificate';
import type { Login } from './login';
import type { Seal } from './seal';

/** Client certificates: whoever connects is logged in, as long as the certificate is valid. */
export function certificateLogin(settings: CertificateConfig, seal: Seal): Login {
  return {
    method: 'certificate',
    routes: () => new Hono(),
    principalOf: (context) => {
      const certificate = certificateOf(context);
      return Promise.resolve(certificate && principalOfCertificate(certificate, settings));
    },
    csrfOf: (context) => {
      const id = idOf(context);
      return id && seal.tag('csrf', id);
    },
    isCsrf: (context, token) => {
      const id = idOf(context);
      return id !== null && seal.isTag(token, 'csrf', id);
    },
  };
}

/** Null without one, and for one that TLS has not verified against the authority of the people. */
function certificateOf(context: Context) {
  const socket = (context.env as { incoming?: { socket?: Partial<TLSSocket> } } | undefined)?.incoming?.socket;
  if (socket?.authorized !== true) return null;
  const certificate = socket.getPeerX509Certificate?.();
  // A connection may outlive the certificate.
  return certificate && Date.now() < Date.parse(certificate.validTo) ? certificate : null;
}

/** Browsers send a certificate whoever asks for the request, so forms need a token as with cookies. */
function idOf(context: Context): string | null {
  const certificate = certificateOf(context);
  return certificate && createHash('sha256').update(certificate.raw).digest('base64url');
}

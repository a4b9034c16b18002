import type { MiddlewareHandler } from 'hono';

const NOTHING_OF = ['camera', 'geolocation', 'microphone', 'payment', 'usb', 'serial', 'display-capture'];

function contentPolicy(formOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action ${["'self'", ...formOrigins].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** Of every answer, also of those that are errors. */
export function securityHeaders(formOrigins: readonly string[], secure: boolean): MiddlewareHandler {
  const headers: Record<string, string> = {
    'Content-Security-Policy': contentPolicy(formOrigins),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Permissions-Policy': ['clipboard-write=(self)', ...NOTHING_OF.map((one) => `${one}=()`)].join(', '),
    ...(secure && { 'Strict-Transport-Security': 'max-age=31536000' }),
  };
  return async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value);
    // Pages and answers are of this moment and of who asks; assets say otherwise.
    if (!context.res.headers.has('Cache-Control')) context.res.headers.set('Cache-Control', 'no-store');
  };
}

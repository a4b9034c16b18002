/**
 * Variables that a program needs to run and to reach the network. Everything else in the environment of an agent or
 * controller stays there: tokens, credentials of a bucket, the address of Temporal.
 */
const PASSED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  // For `systemctl --user`.
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
] as const;

/** The environment of the operator's own commands. */
export function passedEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(PASSED.filter((name) => own[name] !== undefined).map((name) => [name, own[name]]));
}

/** The environment of a Vault that is started by its agent. @param configured `service.env` */
export function serviceEnvironment(configured: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...passedEnvironment(), ...configured };
}

import type { CommonOptions } from '../program';

export interface Options extends CommonOptions {
  address?: string;
  caFile?: string;
  clientCert?: string;
  clientKey?: string;
  tokenFile?: string;
  cluster?: string;
  node: string[];
  repository: string[];
  region?: string;
  endpoint?: string;
  kmsKeyId?: string;
  objectLock?: string;
  s3AccessKeyFile?: string;
  s3SecretKeyFile?: string;
  recipient: string[];
  identity: boolean;
  approver: string[];
  trust?: string;
  every?: string;
  role: string;
  mount: string;
  consulAddress: string[];
  consulCaFile?: string;
  consulTokenFile?: string;
  consulPath: string;
  window?: string;
  stateDir?: string;
  yes?: boolean;
  print?: boolean;
}

/** What can't be guessed, all of it at once. */
export function missingFlags(options: Options, environment: NodeJS.ProcessEnv): string[] {
  const has = (value: string | undefined) => value !== undefined && value !== '';
  return [
    ...(has(options.address) ? [] : ['--address URL, or VAULT_ADDR']),
    ...(has(options.tokenFile) || has(environment['VAULT_TOKEN']) ? [] : ['--token-file FILE, or VAULT_TOKEN']),
    ...(options.approver.length > 0 || has(options.trust)
      ? []
      : ['--approver NAME=KEY, or for a trial --trust namespace']),
    ...(options.identity || options.recipient.length > 0 ? [] : ['--recipient KEY, with --no-identity']),
    ...(options.yes || options.print ? [] : ['--yes']),
  ];
}

import { hostname } from 'node:os';
import { DrError } from '../contract/failures';
import { NAME_PATTERN } from '../contract/names';
import type { Config, RepositoryConfig, SandboxConfig } from './schema';

const LONGEST = 63;

/**
 * What the controller of this host is called: as configured, or else after the host.
 * @throws DrError InvalidConfiguration if the host's own name gives none.
 */
export function controllerName(
  { controller }: { controller: Pick<Config['controller'], 'name'> },
  host = hostname(),
): string {
  const name = controller.name ?? nameAfter(host);
  if (NAME_PATTERN.test(name)) return name;
  throw new DrError('InvalidConfiguration', "The name of this host can't be the name of a controller.", {
    where: 'controller.name',
    advice: 'Set controller.name to lower-case letters, digits and hyphens.',
  });
}

/** What the sandbox host is called that this host is. @throws as `controllerName` */
export function sandboxName(config: {
  controller: Pick<Config['controller'], 'name'>;
  sandbox: SandboxConfig;
}): string {
  return config.sandbox.name ?? controllerName(config);
}

/** The other controller that has a directory, so that this one leaves it alone; null of everything else. @param own name */
export function servedElsewhere(repository: RepositoryConfig, own: string): string | null {
  const host = repository.type === 'directory' ? repository.host : undefined;
  return host === undefined || host === own ? null : host;
}

function nameAfter(host: string): string {
  return host
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, LONGEST)
    .replace(/-+$/, '');
}

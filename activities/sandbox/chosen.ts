import { readPublicKey } from '../../src/config/load';
import { DrError, isDrError } from '../../src/contract/failures';
import type { GenerationCopy } from '../../src/contract/generation';
import type { SandboxInput } from '../../src/contract/step-input/sandbox';
import { openShare } from '../../src/host/run/run-identity';
import { readCopy } from '../../src/repository/generations';
import type { Repository } from '../../src/repository/types';
import type { SandboxHost } from './context';

/** @throws DrError IdentityLost */
export function openAll({ runtimeDir }: SandboxHost, run: string, envelopes: readonly string[]): Promise<string[]> {
  return Promise.all(envelopes.map((envelope) => openShare(runtimeDir, run, envelope)));
}

/**
 * The first repository from which the manifest can be read: what was chosen elsewhere is checked here.
 * @throws DrError RepositoryUnavailable, and what any other manifest than the chosen one is.
 */
export async function firstThatAnswers(
  host: SandboxHost,
  { claim, generation, manifestSha256, repositories }: Omit<SandboxInput<'rehearse'>, 'shares'>,
  signal: AbortSignal,
): Promise<{ repository: Repository; copy: GenerationCopy }> {
  const configured = host.cluster(claim.cluster).repositories;
  const publicKey = await readPublicKey(host.config);
  const problems: string[] = [];
  for (const name of repositories.filter((item) => configured.includes(item))) {
    const repository = await host.repository(name);
    if (repository === null) {
      problems.push(`${name} is a directory of another host`);
      continue;
    }
    try {
      const copy = await readCopy(repository, claim.cluster, generation, publicKey, { signal });
      if (copy.manifestSha256 === manifestSha256) return { repository, copy };
      throw new DrError('CopyDamaged', `${generation} in ${name} has another manifest than the chosen one.`, {
        where: name,
        advice: 'Find out who wrote it. `vault-dr backups verify` reads every copy.',
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isDrError(error) || error.code !== 'RepositoryUnavailable') throw error;
      problems.push(error.message);
    }
  }
  throw new DrError(
    'RepositoryUnavailable',
    `No repository gives ${generation}: ${problems.join('; ') || 'none of the cluster was named'}.`,
    {
      where: host.name,
      advice: 'The configuration of the sandbox host must name the repositories of the cluster, and reach one of them.',
    },
  );
}

import { DrError } from '../../src/contract/failures';
import type { Manifest } from '../../src/contract/generation';
import type { Attempt } from '../../src/host/run/attempt';
import type { NodeHost } from './context';

/** How an error speaks of what was installed: `After the install vault-1 shows …, but the snapshot has …`. */
export interface Installed {
  when: string;
  what: string;
  advice: string;
}

/** Starts Vault on what was installed. @throws DrError ServiceFailed if it needs other numbers of shares than the backup. */
export async function startInstalled(
  host: NodeHost,
  attempt: Attempt,
  { seal, recovery }: Manifest,
  { when, what, advice }: Installed,
): Promise<void> {
  await host.driver.start(attempt);
  const wanted = recovery ?? seal;
  await host.withVault(async (vault) => {
    const status = await host.waitForVault(vault, attempt);
    if (status.initialized && status.n === wanted.secretShares && status.t === wanted.secretThreshold) return;
    throw new DrError(
      'ServiceFailed',
      `${when} ${host.node.name} shows ${status.t} of ${status.n} shares, but the ${what} has ${wanted.secretThreshold} of ${wanted.secretShares}.`,
      { where: host.node.name, advice },
    );
  });
}

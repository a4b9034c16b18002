import { isDrError } from '../contract/failures';
import type { RollCallResult } from '../contract/roll-call';
import type { ShareOutcome } from '../contract/share-outcome';
import { type SandboxOptions, withSandbox } from './sandbox';
import { ShareJudge } from './share-judge';

/** What a Vault says of shares, in their order. */
export type ShareTrial = Pick<RollCallResult, 'serverVersion' | 'sets' | 'phases'> & { outcomes: ShareOutcome[] };

/** Where there are too few shares for a single set. */
export const NOT_TRIED = { serverVersion: null, sets: 0, phases: [] } satisfies Partial<ShareTrial>;

/**
 * Tries shares on a Vault that can reach nothing, and removes it again: the unseal keys, or the recovery keys of one that
 * unseals itself.
 * @throws DrError what a sandbox throws; VaultRefused if it makes no root tokens
 */
export async function callRoll(options: SandboxOptions & { shares: readonly string[] }): Promise<ShareTrial> {
  const { seal, recovery } = options.copy.manifest;
  return withSandbox(options, async (sandbox) => {
    const { version } = await sandbox.load();
    const judge = new ShareJudge(options.shares, (recovery ?? seal).secretThreshold);
    const opened = await opens(() => sandbox.unsealWithAny(judge));
    if (opened) await sandbox.timed('verify', () => sandbox.judge(judge));
    return { serverVersion: version ?? null, sets: judge.tries, phases: sandbox.phases, outcomes: judge.outcomes };
  });
}

async function opens(unseal: () => Promise<void>): Promise<boolean> {
  try {
    await unseal();
    return true;
  } catch (error) {
    if (!isDrError(error) || error.code !== 'SharesDoNotOpen') throw error;
    return false;
  }
}

import type { PreparedSandbox } from '../../src/contract/drill';
import type { SandboxInput, SandboxStep } from '../../src/contract/step-input/sandbox';
import { signRecipient } from '../../src/crypto/agent-key';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import { destroyRunIdentity, ensureRunIdentity } from '../../src/host/run/run-identity';
import { judgeShare } from '../../src/host/run/share-verdict';
import { guarded } from '../caller';
import { SANDBOX_AUTHORITY } from './authority';
import { type SandboxDeps, SandboxHost } from './context';
import { readFromBackup } from './read-from-backup';
import { tryShares } from './try-shares';
import { rehearse } from './rehearse';

export type { SandboxDeps };

/** Every step needs a schema, and gets only what its schema accepts. */
type Steps = { [S in SandboxStep]: (input: SandboxInput<S>) => Promise<unknown> };

/** The steps of a sandbox host. What they start ends with them; only the identity of a run lasts from one to the next. */
export function createSandboxActivities(deps: SandboxDeps) {
  const host = new SandboxHost(deps);
  const { name, runtimeDir } = host;

  const steps = {
    /** Takes the run, and makes the identity that decrypts its shares here. */
    async prepareSandbox({ claim: { cluster, run } }: SandboxInput<'prepareSandbox'>): Promise<PreparedSandbox> {
      const key = await ensureAgentKey(host.stateDir);
      const { recipient, inMemory } = await ensureRunIdentity(runtimeDir, run);
      return {
        host: name,
        recipient,
        signature: signRecipient(key, { cluster, node: name, run, recipient }),
        inMemory,
      };
    },

    checkSandboxShare: ({ claim, share }: SandboxInput<'checkSandboxShare'>) =>
      judgeShare(runtimeDir, claim.run, share),

    rehearse: (input: SandboxInput<'rehearse'>) => rehearse(host, input),

    tryShares: (input: SandboxInput<'tryShares'>) => tryShares(host, input),

    readFromBackup: (input: SandboxInput<'readFromBackup'>) => readFromBackup(host, input),

    /** Destroys the run's identity, so that shares in history can't be decrypted. */
    async endSandboxRun({ claim }: SandboxInput<'endSandboxRun'>): Promise<void> {
      await destroyRunIdentity(runtimeDir, claim.run);
    },
  } satisfies Steps;
  return guarded(steps, SANDBOX_AUTHORITY);
}

export type SandboxActivities = ReturnType<typeof createSandboxActivities>;

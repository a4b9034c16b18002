import type { RunClaim } from '../../src/contract/recovery';
import type { SandboxInput, SandboxStep } from '../../src/contract/step-input/sandbox';
import { assertDrillOf, assertRollCallOf, assertSandboxRunOf, assertSecretRunOf } from '../caller';

type Authority = { [S in SandboxStep]: (input: SandboxInput<S>) => void };

type Claimed = { claim: RunClaim };
const inDrill = ({ claim: { cluster, run } }: Claimed) => assertDrillOf(cluster, run);
const inRollCall = ({ claim: { cluster, run } }: Claimed) => assertRollCallOf(cluster, run);
const inSecretRun = ({ claim: { cluster, run } }: Claimed) => assertSecretRunOf(cluster, run);
const inSandboxRun = ({ claim: { cluster, run } }: Claimed) => assertSandboxRunOf(cluster, run);

/** Which run may ask a sandbox host for which step: one in its own name. */
export const SANDBOX_AUTHORITY: Authority = {
  prepareSandbox: inSandboxRun,
  checkSandboxShare: inSandboxRun,
  rehearse: inDrill,
  tryShares: inRollCall,
  readFromBackup: inSecretRun,
  endSandboxRun: inSandboxRun,
};

import type { RunClaim } from '../../src/contract/recovery';
import type { SandboxInput, SandboxStep } from '../../src/contract/step-input/sandbox';
import { assertDrillOf, assertRollCallOf, assertSandboxRunOf } from '../caller';

type Authority = { [S in SandboxStep]: (input: SandboxInput<S>) => void };

type Claimed = { claim: RunClaim };
const inDrill = ({ claim: { cluster, run } }: Claimed) => assertDrillOf(cluster, run);
const inRollCall = ({ claim: { cluster, run } }: Claimed) => assertRollCallOf(cluster, run);
const inEither = ({ claim: { cluster, run } }: Claimed) => assertSandboxRunOf(cluster, run);

/** Which run may ask a sandbox host for which step: one in its own name. */
export const SANDBOX_AUTHORITY: Authority = {
  prepareSandbox: inEither,
  checkSandboxShare: inEither,
  rehearse: inDrill,
  tryShares: inRollCall,
  endSandboxRun: inEither,
};

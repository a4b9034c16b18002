import type { RunClaim } from '../../src/contract/recovery';
import type { SandboxInput, SandboxStep } from '../../src/contract/step-input/sandbox';
import { assertDrillOf } from '../caller';

type Authority = { [S in SandboxStep]: (input: SandboxInput<S>) => void };

const inDrill = ({ claim: { cluster, run } }: { claim: RunClaim }) => assertDrillOf(cluster, run);

/** Which run may ask a sandbox host for which step: one in its own name. */
export const SANDBOX_AUTHORITY: Authority = {
  prepareSandbox: inDrill,
  checkSandboxShare: inDrill,
  rehearse: inDrill,
  endSandboxRun: inDrill,
};

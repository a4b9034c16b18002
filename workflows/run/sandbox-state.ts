import { setCurrentDetails } from '@temporalio/workflow';
import type { DrillProgress } from '../../src/contract/drill';
import type { RollCallProgress } from '../../src/contract/roll-call';
import { describeSandboxRun } from '../../src/contract/voice/sandbox-run-text';
import { sandboxRunDetails } from './sandbox-run-details';

/** The state of a run in a sandbox, as shown to people. */
export class SandboxState<P extends DrillProgress | RollCallProgress> {
  constructor(readonly progress: P) {}

  get phaseName(): string {
    return this.progress.step;
  }

  enter(step: P['step']): void {
    this.progress.step = step;
    this.show();
  }

  show(): void {
    setCurrentDetails(sandboxRunDetails(describeSandboxRun(this.progress)));
  }
}

import type { RecoveryPlan } from '../../src/contract/plan';
import type { NodeState } from '../../src/contract/recovery';
import { since } from './few-steps';
import { onEach } from './on-each';
import type { Problem } from './problems';
import { type RecoveryRun, SKIPPED } from './recovery-run';
import { controller, type StepsOn } from './steps';
import type { Unsealing } from './unsealing';

/** Failures that rebuilding the node from scratch may fix. */
const CURED_BY_BLANKING = ['VaultRefused', 'VaultUnavailable', 'NotYet', 'TimedOut', 'ServiceFailed'];

/** Joins nodes to a cluster that has a leader, until all of them agree. */
export class Joining {
  readonly #blanked: Set<string>;

  /** @param blanked nodes that an earlier execution has rebuilt by itself */
  constructor(
    private readonly run: RecoveryRun,
    private readonly unsealing: Unsealing,
    private readonly steps: StepsOn,
    blanked: readonly string[] = [],
  ) {
    this.#blanked = new Set(blanked);
  }

  handOver(): string[] {
    return [...this.#blanked];
  }

  /** All but the first node, which leads a cluster of its own by now. */
  async joinOthers({ nodes, firstNode, nonVoters, storage }: RecoveryPlan): Promise<void> {
    if (storage === 'consul') return this.#startOthers(firstNode);
    const leaderAddress = nodes.find((node) => node.name === firstNode)?.address ?? '';
    await this.join(
      this.run.state.activeNodes.filter((name) => name !== firstNode),
      leaderAddress,
      nonVoters === undefined ? {} : { nonVoters },
    );
  }

  /**
   * Each node starts empty, joins, and is unsealed with the same shares. If it can't join, it is rebuilt once,
   * automatically.
   */
  async join(
    names: string[],
    leaderAddress: string,
    { nonVoters = [] }: Pick<RecoveryPlan, 'nonVoters'>,
  ): Promise<void> {
    const { claim } = this.run;
    await onEach(names, async (name) => {
      const { joinNode } = this.steps(name);
      const how = { claim, leaderAddress, ...(nonVoters.includes(name) ? { nonVoter: true } : {}) };
      // An earlier execution may have unsealed it. If it is sealed again, the watch unseals it.
      if (this.#stateOf(name) === 'unsealed' || this.unsealing.keeps(name)) return;
      for (let joined = false; !joined;) {
        if (this.#stateOf(name) !== 'unsealing') {
          this.run.state.node(name, 'joining');
          const step = await this.run.step(
            `joining ${name}`,
            name,
            () => joinNode(how),
            async (problem) => ((await this.#blank(name, problem)) ? joinNode(how) : null),
          );
          if (step === SKIPPED) return;
        }
        const opening = await this.unsealing.unseal(name, (problem) => this.#blank(name, problem));
        joined = opening === 'open';
        // It may have been admitted by then, but no node can join again with half of the data that the cluster sent.
        if (opening === 'not joined' && (await this.#rebuild(name)) === SKIPPED) return;
      }
      this.unsealing.keepOpen(name);
    });
  }

  /** They share the storage of the first one, so there is nothing to join. */
  async #startOthers(firstNode: string): Promise<void> {
    const others = this.run.state.activeNodes.filter((name) => name !== firstNode);
    await onEach(others, async (name) => {
      if (this.#stateOf(name) === 'unsealed' || this.unsealing.keeps(name)) return;
      const started = await this.run.once(`starting ${name}`, () =>
        this.run.step(`starting ${name}`, name, () => this.steps(name).startNode({ claim: this.run.claim })),
      );
      if (started === SKIPPED) return;
      await this.unsealing.unseal(name);
      this.unsealing.keepOpen(name);
    });
  }

  #stateOf(name: string): NodeState | undefined {
    return this.run.state.progress.nodes.find((node) => node.name === name)?.state;
  }

  async #rebuild(name: string): Promise<void | typeof SKIPPED> {
    this.run.state.node(name, 'joining', 'rebuilt: it was restarted before it was unsealed');
    return this.run.step(`rebuilding ${name}`, name, () => this.steps(name).blankNode({ claim: this.run.claim }));
  }

  async #blank(name: string, { code, problem }: Problem): Promise<boolean> {
    if (this.#blanked.has(name) || !CURED_BY_BLANKING.includes(code)) return false;
    this.#blanked.add(name);
    this.run.state.node(name, 'joining', `rebuilt once more: ${problem}`);
    await this.steps(name).blankNode({ claim: this.run.claim });
    return true;
  }

  /** Waits until all nodes agree; before that nothing counts as done. */
  async gate(plan: RecoveryPlan): Promise<void> {
    await this.run.mustStep('waiting for the cluster to converge', null, () =>
      controller.checkConvergence({ plan, nodes: this.run.state.activeNodes }),
    );
  }

  async converge(plan: RecoveryPlan): Promise<void> {
    await this.gate(plan);
    // Older runs left it to people to unseal a Vault from here on, though the backup at the end needs it.
    const watchesOn =
      since('watch-until-the-end') && this.run.state.activeNodes.every((name) => this.unsealing.keeps(name));
    if (!watchesOn || plan.rollingRestart) this.unsealing.stopWatching();
    if (plan.rollingRestart) {
      await this.#restartFollowers(plan);
      await this.gate(plan);
      if (watchesOn) for (const name of this.run.state.activeNodes) this.unsealing.keepOpen(name);
    }
    const { nonVoters = [] } = plan;
    for (const name of this.run.state.activeNodes) {
      if (plan.storage === undefined)
        this.run.state.node(name, 'voter', nonVoters.includes(name) ? 'a non-voter, as before' : null);
    }
  }

  async #restartFollowers(plan: RecoveryPlan): Promise<void> {
    for (const name of this.run.state.activeNodes.filter((node) => node !== plan.firstNode)) {
      await this.run.once(`restarting ${name}`, async () => {
        const restarted = await this.run.once(`stopping and starting ${name}`, () =>
          this.run.step(`restarting ${name}`, name, () => this.steps(name).restartNode({ claim: this.run.claim })),
        );
        if (restarted !== SKIPPED) await this.unsealing.unseal(name);
      });
    }
    if (this.run.state.activeNodes.length < 2) return;
    await this.run.once('moving the leadership', () =>
      this.run.mustStep('moving the leadership', null, () => controller.moveLeadership({ plan })),
    );
  }
}

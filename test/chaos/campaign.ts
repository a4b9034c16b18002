import type { ShapeName } from '../../src/lab/shapes';
import { type ChaosLab, startChaosLab } from './chaos-lab';
import type { Reference } from './instants';
import type { ChaosCase } from './matrix';
import { caseLine, type CaseResult } from './report';
import { keepLogs, measure, runCase } from './run-case';
import type { Scenario } from './scenario';
import { scenarioNamed, scenariosFor } from './scenarios';
import { runZombie, type ZombieCase, zombieLine, type ZombieResult } from './zombies';

const REFERENCE_RUNS = 2;

export interface CampaignOptions {
  say: (text: string) => void;
  /** Milliseconds since 1970: no case begins later. */
  until: number;
  /** Directory for logs and histories of failed cases. */
  evidence: string | undefined;
  /** Of the labs. */
  shape?: ShapeName;
}

/** Many cases in few labs: one lab serves until a case fails in it. */
export class Campaign {
  readonly results: CaseResult[] = [];
  readonly zombies: ZombieResult[] = [];
  /** Undisturbed runs, by scenario. */
  readonly references = new Map<string, Reference>();
  #chaos: ChaosLab | undefined;

  constructor(private readonly options: CampaignOptions) {}

  async kill(cases: readonly ChaosCase[]): Promise<void> {
    for (const item of cases) {
      if (Date.now() > this.options.until) return;
      const chaos = await this.#lab();
      const result = await this.#result(chaos, item);
      this.results.push(result);
      this.options.say(caseLine(result));
      if (result.outcome === 'failed') await this.#giveUpLab(item.id);
    }
  }

  /** What can't even be prepared is a failure, too, and must not end the campaign. */
  async #result(chaos: ChaosLab, item: ChaosCase): Promise<CaseResult> {
    const scenario = scenarioNamed(item.scenario);
    try {
      return await runCase(chaos, scenario, item, await this.#reference(chaos, scenario));
    } catch (error) {
      const problems = [`it was not to be run: ${(error as Error).message}`];
      return { case: item, outcome: 'failed', problems, seconds: 0, extraSeconds: null, met: '' };
    }
  }

  async freeze(cases: readonly ZombieCase[]): Promise<void> {
    if (cases.length === 0) return;
    // First, because a run that was given up leaves things that an undisturbed one would be blamed for.
    for (const name of new Set(cases.map(({ scenario }) => scenario))) {
      await this.#reference(await this.#lab(), scenarioNamed(name));
    }
    for (const item of cases) {
      if (Date.now() > this.options.until) return;
      const chaos = await this.#lab();
      const result = await this.#zombie(chaos, item);
      this.zombies.push(result);
      this.options.say(zombieLine(result));
      if (result.problems.length > 0) await this.#giveUpLab(item.id);
    }
  }

  async #zombie(chaos: ChaosLab, item: ZombieCase): Promise<ZombieResult> {
    try {
      return await runZombie(chaos, item, await this.#reference(chaos, scenarioNamed(item.scenario)));
    } catch (error) {
      const problems = [`it was not to be run: ${(error as Error).message}`];
      return { case: item, met: false, acts: null, problems, seconds: 0 };
    }
  }

  async stop(): Promise<void> {
    await this.#chaos?.stop();
    this.#chaos = undefined;
  }

  /** With generations in both repositories, so that there is something to restore, to catch up and to remove. */
  async #lab(): Promise<ChaosLab> {
    if (this.#chaos) return this.#chaos;
    this.#chaos = await startChaosLab(this.options.shape);
    const [first] = scenariosFor(this.options.shape ?? 'plain');
    if (first) await measure(this.#chaos, first, 2);
    return this.#chaos;
  }

  async #giveUpLab(id: string): Promise<void> {
    if (this.#chaos && this.options.evidence !== undefined) await keepLogs(this.#chaos, id, this.options.evidence);
    await this.stop();
  }

  async #reference(chaos: ChaosLab, scenario: Scenario): Promise<Reference> {
    const known = this.references.get(scenario.name);
    if (known) return known;
    const reference = await measure(chaos, scenario, REFERENCE_RUNS);
    this.references.set(scenario.name, reference);
    this.options.say(`  ${scenario.name}, undisturbed: ${(reference.milliseconds / 1_000).toFixed(1)} s`);
    return reference;
  }
}

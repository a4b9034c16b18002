import { randomFrom, shuffled } from './random';

/** What is killed; `a` is the node that a restore begins with, `b` one that joins it. */
export const VICTIMS = ['controller', 'agent-a', 'agent-b', 'temporal', 'vault-a', 'vault-b', 's3'] as const;
/** Where Vault stores in Consul: the server that leads at that moment, and one that follows it. */
export const CONSUL_VICTIMS = ['consul-leader', 'consul-follower'] as const;
/** All of them at once, as when the power of a whole site fails. */
export const EVERYTHING = 'everything';
export type Victim = (typeof VICTIMS)[number] | (typeof CONSUL_VICTIMS)[number] | typeof EVERYTHING;

export const MOMENTS = ['start', 'middle', 'after'] as const;
export type Moment = (typeof MOMENTS)[number];

/** What the Vault of a node logs: the first node's, or that of the one that joins it. */
export interface LoggedLine {
  line: string;
  of: 'a' | 'b';
}

/** `at` is a part of the run's usual duration. */
export type Instant =
  | { kind: 'activity'; activity: string; moment: Moment }
  | ({ kind: 'logged'; name: string } & LoggedLine)
  | { kind: 'random'; at: number };

export interface ChaosCase {
  /** `restore/installSnapshot/middle/agent-a` */
  id: string;
  scenario: string;
  victim: Victim;
  instant: Instant;
}

/** What of a scenario the matrix needs to know. */
export interface ScenarioShape {
  name: string;
  activities: readonly string[];
  /** Besides those that every lab has. */
  victims?: readonly Victim[];
  /** Activities, and names of logged instants, at which a victim does not run, so that it can't be killed. */
  downDuring?: Partial<Record<Victim, readonly string[]>>;
  /** Victims whose death the run can't recover from by itself. */
  spared?: readonly Victim[];
  /** Instants inside a step, by name: what is logged then. */
  logged?: Readonly<Record<string, LoggedLine>>;
}

const RANDOM_INSTANTS = 3;

/** Every victim at every moment of every activity of every scenario, and at some random instants besides. */
export function fullMatrix(scenarios: readonly ScenarioShape[], seed: number): ChaosCase[] {
  const random = randomFrom(seed);
  return scenarios.flatMap(({ name, activities, victims = [], downDuring = {}, spared = [], logged = {} }) =>
    [...VICTIMS, ...victims]
      .filter((victim) => !spared.includes(victim))
      .flatMap((victim) => {
        const isUp = (name: string) => !downDuring[victim]?.includes(name);
        const planned: Instant[] = activities
          .filter(isUp)
          .flatMap((activity) => MOMENTS.map((moment) => ({ kind: 'activity' as const, activity, moment })));
        const inside: Instant[] = Object.entries(logged)
          .filter(([own]) => isUp(own))
          .map(([own, logged]) => ({ kind: 'logged', name: own, ...logged }));
        const anywhere: Instant[] = Array.from({ length: RANDOM_INSTANTS }, () => ({ kind: 'random', at: random() }));
        return [...planned, ...inside, ...anywhere].map((instant) => ({
          id: `${name}/${instantName(instant)}/${victim}`,
          scenario: name,
          victim,
          instant,
        }));
      }),
  );
}

/** Every process at once, at every moment of every activity; a run that needs a Vault which nobody unseals can't stand that. */
export function everythingMatrix(scenarios: readonly ScenarioShape[], seed: number): ChaosCase[] {
  const random = randomFrom(seed);
  const bearing = scenarios.filter(({ spared = [] }) => !spared.includes(EVERYTHING));
  return bearing.flatMap(({ name, activities, logged = {} }) => {
    const planned: Instant[] = activities.flatMap((activity) =>
      MOMENTS.map((moment) => ({ kind: 'activity' as const, activity, moment })),
    );
    const inside: Instant[] = Object.entries(logged).map(([own, line]) => ({ kind: 'logged', name: own, ...line }));
    const anywhere: Instant[] = Array.from({ length: RANDOM_INSTANTS }, () => ({ kind: 'random', at: random() }));
    return [...planned, ...inside, ...anywhere].map((instant) => ({
      id: `${name}/${instantName(instant)}/${EVERYTHING}`,
      scenario: name,
      victim: EVERYTHING,
      instant,
    }));
  });
}

export function instantName(instant: Instant): string {
  switch (instant.kind) {
    case 'activity':
      return `${instant.activity}/${instant.moment}`;
    case 'logged':
      return `logged/${instant.name}`;
    case 'random':
      return `random/${instant.at.toFixed(6)}`;
  }
}

export interface Choice {
  seed: number;
  /** All of them without a number. */
  cases?: number;
  /** Regular expression that an id must match. */
  only?: string;
}

/**
 * The cases of a run, in an order that is the same for the same seed. Fewer than all are chosen so that victims and
 * scenarios come in turn: each of them is there as soon as there are as many cases as of the more numerous of the two.
 */
export function chooseCases(matrix: readonly ChaosCase[], { seed, cases, only = '' }: Choice): ChaosCase[] {
  const wanted = new RegExp(only);
  const random = randomFrom(seed);
  const left = shuffled(
    matrix.filter(({ id }) => wanted.test(id)),
    random,
  );
  const chosen: ChaosCase[] = [];
  const count = (what: 'victim' | 'scenario', name: string) => chosen.filter((item) => item[what] === name).length;
  while (left.length > 0 && chosen.length < (cases ?? Infinity)) {
    let best = 0;
    for (const [index, item] of left.entries()) {
      if (burden(item) < burden(left[best] as ChaosCase)) best = index;
    }
    chosen.push(...left.splice(best, 1));
  }
  return chosen;

  function burden({ victim, scenario }: ChaosCase): number {
    return count('victim', victim) + count('scenario', scenario);
  }
}

/**
 * A few cases that fit a test run: each victim once, each scenario at least once, and the slow scenarios no oftener than
 * their number in `slow`.
 */
export function chooseFew(matrix: readonly ChaosCase[], seed: number, slow: ReadonlyMap<string, number>): ChaosCase[] {
  const random = randomFrom(seed);
  const names = [...new Set(matrix.map(({ scenario }) => scenario))];
  const quick = names.filter((name) => !slow.has(name));
  const slots = names.flatMap((name) => Array.from({ length: slow.get(name) ?? 0 }, () => name));
  while (slots.length < Math.max(VICTIMS.length, names.length)) slots.push(...quick);
  const left: Victim[] = [];
  return slots.slice(0, Math.max(VICTIMS.length, names.length)).map((scenario) => {
    if (left.length === 0) left.push(...shuffled(VICTIMS, random));
    const own = matrix.filter((item) => item.scenario === scenario);
    const index = left.findIndex((victim) => own.some((item) => item.victim === victim));
    const [victim] = index < 0 ? [] : left.splice(index, 1);
    const fitting = own.filter((item) => victim === undefined || item.victim === victim);
    return fitting[Math.floor(random() * fitting.length)] as ChaosCase;
  });
}

/** One part of several that together are the whole: `{ part: 2, of: 3 }` has the second of each three. */
export interface Part {
  part: number;
  of: number;
}

export function takePart<T>(cases: readonly T[], { part, of }: Part): T[] {
  return cases.filter((_, index) => index % of === part - 1);
}

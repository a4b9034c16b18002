import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema';
import { FAMILIES, type FamilyName, type Sample } from '../../metrics/families';
import { computeMetrics } from './compute';

/** Until the controller has its connection. */
const CONNECTING_MS = 1_000;

/** Of the SDK; only what is set is used. */
export interface Meter {
  createGauge(
    name: string,
    valueType: 'float',
    unit: string,
    description: string,
  ): { set(value: number, tags?: Record<string, string>): void };
}

/**
 * What the SDK serves for Prometheus: a set of labels that it was once given stays until the process ends, so one that is
 * no longer there becomes NaN, which fits no comparison.
 */
export class Gauges {
  readonly #gauges = new Map<FamilyName, ReturnType<Meter['createGauge']>>();
  #last: readonly Sample[] = [];

  constructor(private readonly meter: Meter) {}

  set(samples: readonly Sample[]): void {
    const there = new Set(samples.map(keyOf));
    for (const sample of this.#last.filter((one) => !there.has(keyOf(one)))) this.#put({ ...sample, value: NaN });
    for (const sample of samples) this.#put(sample);
    this.#last = samples;
  }

  #put({ name, labels, value }: Sample): void {
    // The name has its unit.
    const gauge = this.#gauges.get(name) ?? this.meter.createGauge(name, 'float', '', FAMILIES[name].help);
    this.#gauges.set(name, gauge);
    gauge.set(value, labels);
  }
}

function keyOf({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels)]);
}

/** Computes them now and then, for as long as the controller runs. */
export async function serveMetrics(
  { config, log }: { config: Config; log: Logger },
  ask: () => Client | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { metrics } = config.controller;
  if (metrics === undefined) return;
  const gauges = new Gauges(Runtime.instance().metricMeter);
  const clusters = Object.keys(config.clusters);
  while (!signal.aborted) {
    const client = ask();
    if (client === undefined) {
      await pause(CONNECTING_MS);
      continue;
    }
    try {
      const onProblem = (problem: string) => log.debug({ problem }, 'some metrics are not known');
      gauges.set(await computeMetrics({ config, clusters, client, onProblem, signal }));
    } catch (error) {
      if (!signal.aborted) log.warn({ problem: (error as Error).message }, 'metrics could not be computed');
    }
    await pause(metrics.everySeconds * 1_000);
  }

  function pause(milliseconds: number): Promise<unknown> {
    return sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  }
}

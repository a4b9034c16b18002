import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { waitFor } from '../../src/lab/processes';
import { freePort } from './vault-node';

interface RuleFile {
  groups: { rules: { alert: string; expr: string; for?: string }[] }[];
}
/** What a query was answered with. */
interface Found {
  metric: Record<string, string>;
  value: [number, string];
}

/** A real one, which asks one target every second. */
export interface Prometheus {
  query: (expression: string) => Promise<Found[]>;
  /** Names of the alerts that fire. */
  firing: () => Promise<string[]>;
  stop: () => Promise<void>;
}

/**
 * With the alerts of `monitoring/`, but they fire at once, and a wait counts from its first second: whether each also waits as
 * long as it says, `promtool` tests without waiting.
 * @param target host and port of what it scrapes
 */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-prometheus-'));
  const at = (name: string) => join(directory, name);
  const rules = parse(await readFile(join(PROJECT_ROOT, 'monitoring', 'alerts.yaml'), 'utf8')) as RuleFile;
  for (const rule of rules.groups.flatMap((group) => group.rules)) {
    delete rule.for;
    rule.expr = rule.expr.replace('vault_dr_recovery_waiting_seconds) > 900', 'vault_dr_recovery_waiting_seconds) > 0');
  }
  await writeFile(at('alerts.yaml'), stringify(rules));
  await writeFile(
    at('prometheus.yml'),
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [at('alerts.yaml')],
      scrape_configs: [{ job_name: 'vault-dr', static_configs: [{ targets: [target] }] }],
    }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn(
    'prometheus',
    [`--config.file=${at('prometheus.yml')}`, `--storage.tsdb.path=${at('data')}`, `--web.listen-address=${address}`],
    { stdio: 'ignore' },
  );
  await waitFor(
    'Prometheus answers',
    () =>
      fetch(`http://${address}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    {
      timeoutMs: 60_000,
    },
  );

  const ask = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`http://${address}/api/v1/${path}`)).json()) as { data: T; error?: string };
    if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  return {
    query: async (text) => (await ask<{ result: Found[] }>(`query?query=${encodeURIComponent(text)}`)).result,
    firing: async () => {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      const names = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
      return [...new Set(names)].toSorted();
    },
    stop: async () => {
      await ended(server);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill();
  await once(server, 'exit');
}

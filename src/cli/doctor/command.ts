import { hostname } from 'node:os';
import { nodeTaskQueue } from '../../contract/names';
import { printable } from '../../contract/printable';
import type { Client } from '@temporalio/client';
import { nodeFindings } from '../../doctor/files';
import { type Finding, unchecked } from '../../doctor/finding';
import { agentPollFindings } from '../../doctor/services';
import { style } from '../../terminal';
import { print, printJson } from '../output';
import { type CommonOptions, EXIT, temporalOptions } from '../program';
import { type AgentPlace, filesOfAgent, hostOfAgent, placeOf, unitOfAgent, vaultOfAgent } from './agent';
import {
  backupsOf,
  filesOfController,
  hostsOverSsh,
  repositoryOf,
  temporalOfController,
  unitOfController,
  vaultOf,
} from './controller';
import { lastPoll } from '../../temporal/polling';
import { reachTemporal, readConfig, said } from './probes';

type Part = 'controller' | 'agent';

interface Options extends CommonOptions {
  cluster?: string;
  node?: string;
}

export async function runDoctor(given: Part | undefined, options: Options): Promise<void> {
  const [config, ofFile] = await readConfig(
    options.config,
    given ?? (options.node === undefined ? 'controller' : 'agent'),
  );
  const part = given ?? (options.node !== undefined || (config && !config.signing.privateKey) ? 'agent' : 'controller');
  const findings = [...nodeFindings(process.version), ...ofFile];
  const [client, ofTemporal] = await reachTemporal({ ...temporalOptions(options), onWait: () => undefined });
  try {
    const checks = config === null ? [] : part === 'agent' ? agentChecks() : controllerChecks();
    for (const check of checks) findings.push(...(await safely(check)));
  } finally {
    await client?.connection.close();
  }
  if (config === null) findings.push(...ofTemporal);
  show(part, findings, options);

  function controllerChecks(): Check[] {
    const clusters = Object.entries(config!.clusters);
    return [
      ['files', () => filesOfController(config!)],
      ['Temporal', () => Promise.resolve(ofTemporal)],
      ...clusters.map(([name, cluster]): Check => [name, () => vaultOf(name, cluster)]),
      ...clusters.map(([name, cluster]): Check => [name, () => hostsOverSsh(name, cluster)]),
      ...Object.keys(config!.repositories).map((name): Check => [name, () => repositoryOf(name, config!)]),
      ['the unit', () => unitOfController(client)],
      ...(client ? [['queues', () => temporalOfController(config!, client)] as Check] : []),
      ...clusters.map(([name]): Check => [name, () => backupsOf(name, config!, client)]),
    ];
  }

  function agentChecks(): Check[] {
    const place = placeOf(config!, options);
    // Without one nothing on this host speaks with Temporal.
    const withAgent = (check: Check): Check[] => (place.node.ssh === undefined ? [check] : []);
    return [
      ['files', () => filesOfAgent(config!, place, options.config)],
      ...withAgent(['Temporal', () => Promise.resolve(ofTemporal)]),
      ['the host', () => hostOfAgent(place)],
      ['Vault', () => vaultOfAgent(config!, place)],
      ...withAgent(['the unit', () => unitOfAgent(place, client)]),
      ...(client ? withAgent(['its queue', () => queueOf(client, place)]) : []),
    ];
  }
}

type Check = [what: string, check: () => Promise<Finding[]>];

async function queueOf(client: Client, place: AgentPlace): Promise<Finding[]> {
  return agentPollFindings(
    place.node.name,
    await lastPoll(client, nodeTaskQueue(place.cluster, place.node.name)),
    Date.now(),
  );
}

/** What can't be checked is no reason to fail, and never a yes. */
async function safely([what, check]: Check): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [unchecked(what, said(error))];
  }
}

const MARKS = { problem: ['red', '✗'], warning: ['yellow', '!'], unchecked: ['dim', '?'] } as const;

function show(part: Part, findings: readonly Finding[], { json }: Options): void {
  const isWell = findings.every(({ severity }) => severity !== 'problem');
  if (!isWell) process.exitCode = EXIT.failed;
  if (json) return printJson('doctor', { part, host: hostname(), ok: isWell, findings: [...findings] });
  for (const { code, severity, where, text, fix } of findings) {
    const [colour, mark] = MARKS[severity];
    const about = severity === 'unchecked' ? 'not checked: ' : '';
    const named = code === null ? '' : ` [${code}]`;
    print(`${style(colour, mark)} ${printable(where)}: ${about}${printable(text)}${named}`);
    if (fix !== null) print(`    ${printable(fix)}`);
  }
  print(
    isWell
      ? `Nothing is missing for the ${part} on this host.`
      : `\nFix these in order, then run this again. About a code: vault-dr explain CODE`,
  );
}

import { execFile } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, stat, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { passedEnvironment } from '../../child-environment';
import { loadConfig } from '../../config/load';
import type { ClusterConfig, Config, NodeConfig, ServiceConfig } from '../../config/schema';
import { readSecret, secretSourcesIn } from '../../config/secret';
import { isDrError } from '../../contract/failures';
import { SEARCH_ATTRIBUTES } from '../../contract/names';
import type { SecretFacts, SigningFacts } from '../../doctor/files';
import { configFindings } from '../../doctor/files';
import { shellWord } from '../../contract/shell-word';
import { type Finding, problem, warning } from '../../doctor/finding';
import { searchAttributeFindings, type UnitFacts, type VaultFacts } from '../../doctor/services';
import { connectClient, type TemporalOptions } from '../../temporal/connect-temporal';
import { connectToNode } from '../../vault/connect-node';

const run = promisify(execFile);
const WITHIN_MS = 5_000;

/** An error as one line. */
export function said(error: unknown): string {
  return (error as Error).message.replace(/\s+/g, ' ').replace(/\.$/, '');
}

/** @returns the configuration, or null and why. */
export async function readConfig(file: string, part: 'controller' | 'agent'): Promise<[Config | null, Finding[]]> {
  const stats = await stat(file).catch(() => null);
  const create = part === 'agent' ? 'enrol accept' : 'init';
  if (stats === null)
    return [
      null,
      [problem('config-missing', file, 'it does not exist', `vault-dr ${create} --config ${shellWord(file)}`)],
    ];
  const findings = configFindings({ path: file, mode: stats.mode, gid: stats.gid });
  const edit = `${'${EDITOR:-vi}'} ${shellWord(file)}`;
  try {
    const config = await loadConfig(file, (text) => findings.push(warning('config-deprecated', file, text, edit)));
    return [config, findings];
  } catch (error) {
    return [null, [...findings, problem('config-invalid', file, said(error), edit)]];
  }
}

/** Files of secrets below a part of the configuration. */
export async function secretFiles(part: unknown, path: readonly string[]): Promise<SecretFacts[]> {
  const sources = secretSourcesIn(part, path).flatMap(({ source, path: setting }) =>
    'file' in source ? [{ setting, path: source.file }] : [],
  );
  return Promise.all(
    sources.map(async ({ setting, path: file }) => ({ setting, path: file, mode: await readableMode(file) })),
  );
}

/** Its mode; null if it can't be read, or is empty. */
export async function readableMode(file: string): Promise<number | null> {
  try {
    const text = await readFile(file);
    return text.length === 0 ? null : (await stat(file)).mode;
  } catch {
    return null;
  }
}

export async function signingFacts({ signing }: Config): Promise<SigningFacts> {
  const { privateKey, publicKeyFile } = signing;
  const privateKeyFile = privateKey && 'file' in privateKey ? privateKey.file : null;
  const matches = await (async () => {
    if (privateKey === undefined) return null;
    try {
      const ours = createPublicKey(createPrivateKey(await readSecret(privateKey, 'signing.privateKey')));
      const said_ = createPublicKey(await readFile(publicKeyFile, 'utf8'));
      return ours.equals(said_);
    } catch {
      return null;
    }
  })();
  return { privateKeyFile, publicKeyFile, matches };
}

/** @returns a client to be closed, or null and why; and what the namespace lacks. */
export async function reachTemporal(options: TemporalOptions): Promise<[Client | null, Finding[]]> {
  try {
    const client = await connectClient(options);
    const { namespace } = client.options;
    try {
      const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
      const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
      return [client, searchAttributeFindings(namespace, missing)];
    } catch {
      return await withoutListing(client);
    }
  } catch (error) {
    const advice = isDrError(error) ? (error.advice ?? '') : '';
    const [, command = null] = /^Create it: (.*)$/.exec(advice) ?? [];
    return [null, [problem('temporal-unreachable', 'Temporal', said(error), command)]];
  }
}

/** Who may not list them may still use them; whether the namespace is there shows too. */
async function withoutListing(client: Client): Promise<[Client | null, Finding[]]> {
  const { namespace } = client.options;
  try {
    await client.workflowService.describeNamespace({ namespace });
    return [client, []];
  } catch (error) {
    await client.connection.close();
    const isMissing = (error as { code?: number }).code === 5;
    const fix = `temporal operator namespace create --namespace ${namespace} --retention 30d`;
    const text = isMissing ? `it has no namespace '${namespace}'` : said(error);
    return [null, [problem('temporal-unreachable', 'Temporal', text, isMissing ? fix : null)]];
  }
}

export async function vaultFacts(cluster: ClusterConfig, node: NodeConfig): Promise<VaultFacts> {
  const facts = { node: node.name, address: node.address, sealed: false, initialized: true, aheadSeconds: null };
  try {
    const client = await connectToNode(cluster, node, { timeoutMs: WITHIN_MS });
    try {
      const health = await client.health();
      return {
        ...facts,
        problem: null,
        sealed: health.sealed,
        initialized: health.initialized,
        aheadSeconds: health.serverTime === null ? null : health.serverTime - Date.now() / 1_000,
      };
    } finally {
      await client.close();
    }
  } catch (error) {
    return { ...facts, problem: said(error) };
  }
}

export async function unitState(name: string): Promise<UnitFacts['state']> {
  try {
    const { stdout } = await run(
      'systemctl',
      ['show', '--no-pager', '--property=LoadState,ActiveState,UnitFileState', '--', `${name}.service`],
      { timeout: WITHIN_MS, env: passedEnvironment() },
    );
    const get = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    return { loadState: get('LoadState'), activeState: get('ActiveState'), fileState: get('UnitFileState') || null };
  } catch {
    return null;
  }
}

export async function freeBytes(path: string): Promise<number | null> {
  const disk = await statfs(path).catch(() => null);
  return disk && disk.bavail * disk.bsize;
}

/** What starts Vault on its host; null where the agent itself does. */
export function startCommand(service: ServiceConfig | undefined): string | null {
  if (service?.driver === 'systemd') return `systemctl start ${shellWord(service.unit)}`;
  return service?.driver === 'command' ? service.start.map(shellWord).join(' ') : null;
}

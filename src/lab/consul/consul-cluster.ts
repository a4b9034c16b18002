import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { DrError } from '../../contract/failures';
import { createProcess, type LabProcess, waitFor } from '../processes';
import { PROJECT_ROOT } from '../project-root';
import type { ConsulLayout, ConsulServer, ConsulToken } from './consul-layout';

const TIMEOUT_MS = 60_000;

export interface ConsulAnswer {
  status: number;
  /** Parsed JSON, or text where it is none. */
  body: unknown;
}

/** The Consul in which the clusters of a lab store. */
export interface LabConsul {
  readonly servers: readonly (ConsulServer & { readonly process: LabProcess })[];
  readonly tokens: Readonly<ConsulLayout['tokens']>;
  /** File with the secret of the token of vault-dr. */
  readonly tokenFile: string;
  /** Asks a server, the first one that answers unless it is named, with the management token unless another is given. */
  ask(
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    options?: { server?: string; token?: string; body?: string | object },
  ): Promise<ConsulAnswer>;
  /** Name of the server that leads; waits for one. */
  leader(): Promise<string>;
  /** Starts the servers that are down, and waits for a leader. */
  start(names?: readonly string[]): Promise<void>;
  /** SIGKILL. */
  kill(names?: readonly string[]): Promise<void>;
  /** The disaster: killed, data removed. They start blank. */
  destroy(names?: readonly string[]): Promise<void>;
  /** Policies and tokens, as in a new Consul; may be repeated. */
  furnish(): Promise<void>;
}

export interface ConsulParts {
  program: string;
  caPem: string;
  environment: Record<string, string>;
  /** Prefixes below which Vaults store. */
  kvPaths: readonly string[];
  /** A command through which a server is started on its host. */
  through: string[];
}

/** Nothing runs until it is started. */
export function createConsul(layout: ConsulLayout, parts: ConsulParts): LabConsul {
  const dispatcher = new Agent({ connect: { ca: parts.caPem, timeout: 5_000 }, pipelining: 0 });
  const { management } = layout.tokens;

  const askServer = async (
    { address }: ConsulServer,
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    token: string,
    body?: string | object,
  ): Promise<ConsulAnswer> => {
    const response = await request(`${address}/v1/${path}`, {
      method,
      dispatcher,
      headersTimeout: 30_000,
      headers: { 'x-consul-token': token },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.statusCode, body: parsed(await response.body.text()) };
  };

  const servers = layout.servers.map((server) => ({
    ...server,
    process: createProcess({
      name: server.name,
      command: [parts.program, 'agent', `-config-file=${server.configFile}`],
      through: parts.through,
      environment: parts.environment,
      logFile: server.logFile,
      // Alone it has no leader, and answers all the same.
      isReady: async () => (await askServer(server, 'GET', 'status/leader', management.secretId)).status === 200,
    }),
  }));
  const named = (names: readonly string[] = servers.map(({ name }) => name)) =>
    names.map((wanted) => {
      const server = servers.find(({ name }) => name === wanted);
      if (server) return server;
      throw new DrError('InvalidInput', `The lab has no Consul server '${wanted}'.`);
    });

  const ask: LabConsul['ask'] = async (method, path, { server, token = management.secretId, body } = {}) => {
    const candidates =
      server === undefined ? servers.filter(({ process }) => process.pid !== undefined) : named([server]);
    let problem: unknown = new DrError('VaultUnavailable', 'No Consul server of the lab is running.');
    for (const candidate of candidates) {
      try {
        return await askServer(candidate, method, path, token, body);
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  };

  const must = async (method: 'GET' | 'PUT', path: string, body?: object): Promise<unknown> => {
    const answer = await ask(method, path, body ? { body } : {});
    if (answer.status === 200) return answer.body;
    throw new DrError('VaultRefused', `${method} ${path}: Consul answered ${answer.status} ${String(answer.body)}`);
  };

  const leader = () =>
    waitFor(
      'Consul has a leader',
      async () => {
        const { body } = await ask('GET', 'status/leader');
        return servers.find(({ rpcPort }) => typeof body === 'string' && body.endsWith(`:${rpcPort}`))?.name;
      },
      { timeoutMs: TIMEOUT_MS, everyMs: 100, logFile: layout.servers[0].logFile },
    );

  const kill = async (names?: readonly string[]) => {
    await Promise.all(named(names).map(({ process }) => process.kill()));
  };

  return {
    servers,
    tokens: layout.tokens,
    tokenFile: layout.tokenFile,
    ask,
    leader,
    kill,
    async start(names) {
      await Promise.all(named(names).map(({ process }) => process.start()));
      await leader();
    },
    async destroy(names) {
      await kill(names);
      await Promise.all(named(names).map(({ dataDir }) => rm(dataDir, { recursive: true, force: true })));
    },
    async furnish() {
      await leader();
      // A new leader makes its management token first.
      await waitFor(
        'Consul takes the management token',
        async () => (await ask('GET', 'acl/policies')).status === 200,
        {
          timeoutMs: TIMEOUT_MS,
        },
      );
      await makeToken(must, 'vault-dr', await vaultDrRules(parts.kvPaths), layout.tokens.vaultDr);
      await makeToken(must, 'vault', vaultRules(parts.kvPaths), layout.tokens.vault);
    },
  };
}

type Must = (method: 'GET' | 'PUT', path: string, body?: object) => Promise<unknown>;

async function makeToken(must: Must, name: string, rules: string, token: ConsulToken): Promise<void> {
  const policies = (await must('GET', 'acl/policies')) as { ID: string; Name: string }[];
  const known = policies.find((policy) => policy.Name === name);
  await must('PUT', known ? `acl/policy/${known.ID}` : 'acl/policy', { Name: name, Rules: rules });
  const tokens = (await must('GET', 'acl/tokens')) as { AccessorID: string }[];
  if (tokens.some(({ AccessorID }) => AccessorID === token.accessorId)) return;
  await must('PUT', 'acl/token', {
    AccessorID: token.accessorId,
    SecretID: token.secretId,
    Description: name,
    Policies: [{ Name: name }],
  });
}

/** As the documentation gives it, for each prefix. */
async function vaultDrRules(kvPaths: readonly string[]): Promise<string> {
  const documented = await readFile(join(PROJECT_ROOT, 'docs/vault-dr-consul-policy.hcl'), 'utf8');
  return [documented, ...kvPaths.filter((path) => path !== 'vault/').map(writable)].join('\n');
}

/** As Vault's own documentation gives them. */
function vaultRules(kvPaths: readonly string[]): string {
  return [
    ...kvPaths.map(writable),
    'service "vault" { policy = "write" }',
    'agent_prefix "" { policy = "read" }',
    'session_prefix "" { policy = "write" }',
  ].join('\n');
}

function writable(path: string): string {
  return `key_prefix "${path}" { policy = "write" }`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

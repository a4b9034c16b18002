import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Alias, type Document, isMap, isNode, isScalar, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { DrError } from '../contract/failures';
import { walkMessage } from '../contract/message-bounds';
import { crossProblems } from './cross-checks';
import { modernised } from './former-settings';
import {
  type ClusterConfig,
  type Config,
  configSchema,
  type HostedNode,
  type NodeConfig,
  type RepositoryConfig,
  type SandboxConfig,
} from './schema';

/** Room for a hundred clusters. */
const LONGEST_CONFIG_BYTES = 1024 * 1024;
/** Larger files are not parsed. */
const DEEPEST_SYNTAX = 1_000;
const CONFIG_BOUNDS = { depth: 32, nodes: 100_000, characters: 4 * LONGEST_CONFIG_BYTES };
/** Enough for a part shared by many nodes; far too few for aliases of aliases of aliases. */
const MOST_ALIASES = 50;
const MOST_ALIAS_USES = 500;
const MOST_PROBLEMS = 100;
const LONGEST_PROBLEM = 500;

/** Gets each setting of an earlier version, with its place and what it is now. */
type OnDeprecation = (text: string) => void;

/**
 * Reads and validates the configuration. Commands take settings of earlier versions silently; services and `doctor` say so.
 * @throws DrError InvalidConfiguration that lists every problem, each with its place in the file.
 */
export async function loadConfig(file: string, onDeprecation?: OnDeprecation): Promise<Config> {
  let text: string | null;
  try {
    text = await readBounded(file, LONGEST_CONFIG_BYTES);
  } catch (error) {
    throw new DrError('InvalidConfiguration', `The configuration ${file} can't be read: ${(error as Error).message}`, {
      advice: 'Set its path with --config or VAULT_DR_CONFIG.',
      cause: error,
    });
  }
  if (text === null) throw invalid(file, [`it is larger than ${LONGEST_CONFIG_BYTES / 1024 / 1024} MiB`]);
  return parseConfig(text, file, onDeprecation);
}

/** Null if it is larger. Works for files without a size, such as a pipe. */
async function readBounded(file: string, limit: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The controller that serves a directory of the cluster's backups; undefined where any controller serves all of them. */
export function servedBy({ clusters, repositories }: Config, cluster: string): string | undefined {
  for (const name of clusters[cluster]?.repositories ?? []) {
    const repository = repositories[name];
    if (repository?.type === 'directory' && repository.host !== undefined) return repository.host;
  }
  return undefined;
}

export function parseConfig(text: string, file: string, onDeprecation?: OnDeprecation): Config {
  const lineCounter = new LineCounter();
  const { document, raw: written } = readYaml(text, file, lineCounter);
  const { raw, deprecations, problems: former } = modernised(written);
  const result = configSchema.safeParse(raw, {
    error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
  });
  const problems = [...(result.error?.issues.flatMap(problemsOf) ?? []), ...crossProblems(raw), ...former];
  if (!result.success || problems.length > 0) throw invalid(file, problems.map(placed));
  for (const deprecation of deprecations) onDeprecation?.(placed(deprecation));
  return result.data;

  function placed({ path, message }: { path: PropertyKey[]; message: string }): string {
    const at = lineOf(path);
    return `${at === undefined ? '' : `line ${at}: `}${path.join('.') || 'file'}: ${message}`;
  }

  /** Line of the nearest existing node. */
  function lineOf(path: readonly PropertyKey[]): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const found = keyOf(document, path.slice(0, length)) ?? document.getIn(path.slice(0, length), true);
      if (isNode(found) && found.range) return lineCounter.linePos(found.range[0]).line;
    }
    return undefined;
  }
}

/** @throws DrError InvalidConfiguration, even if the text is made to break the parser. */
function readYaml(text: string, file: string, lineCounter: LineCounter): { document: Document; raw: unknown } {
  try {
    if (isNestedTooDeep(text)) throw invalid(file, ['it is nested too deeply']);
    const document = parseDocument(text, { lineCounter });
    // The parser catches its own overflow and reports it with a useless line.
    if (document.errors.some(({ message }) => message.startsWith('Maximum call stack'))) throw new RangeError();
    if (document.errors.length > 0) {
      throw invalid(
        file,
        document.errors.map((error) => error.message.split('\n')[0] ?? error.message),
      );
    }
    const aliases = aliasesOf(document);
    // Each alias is searched for in the whole file.
    if (aliases.length > MOST_ALIAS_USES) throw invalid(file, [`it has more than ${MOST_ALIAS_USES} aliases (*…)`]);
    const lost = aliases.filter((alias) => !alias.resolve(document)).map((alias) => alias.range?.[0] ?? 0);
    if (lost.length > 0) {
      throw invalid(
        file,
        // Without the name: it may be a secret that begins with an asterisk.
        lost.map(
          (offset) => `line ${lineCounter.linePos(offset).line}: an alias (*…) without an anchor; quote the value`,
        ),
      );
    }
    const raw: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    const tooLarge = walkMessage(raw, () => false, CONFIG_BOUNDS);
    if (tooLarge !== null) throw invalid(file, [tooLarge]);
    return { document, raw };
  } catch (error) {
    if (error instanceof RangeError) throw invalid(file, ['it is nested too deeply']);
    if (error instanceof ReferenceError) {
      throw invalid(file, [`its aliases (*…) expand too far: more than ${MOST_ALIASES} copies of one part`]);
    }
    throw error;
  }
}

/** Where the parser fails on deep nesting, the lexer continues, step by step. */
function isNestedTooDeep(text: string): boolean {
  let depth = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth++;
    if (token === ']' || token === '}') depth--;
    if (depth > DEEPEST_SYNTAX) return true;
  }
  return false;
}

/** The key itself: its value may begin lines later. */
function keyOf(document: Document, path: PropertyKey[]): unknown {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  return parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))?.key;
}

function aliasesOf(document: Document): Alias[] {
  const aliases: Alias[] = [];
  visit(document, {
    Alias(_key, alias) {
      aliases.push(alias);
    },
  });
  return aliases;
}

function problemsOf(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string }[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'unknown setting' }));
  }
  if (issue.code === 'invalid_key') return [{ path: issue.path, message: issue.issues[0]?.message ?? issue.message }];
  return [{ path: issue.path, message: issue.message }];
}

function invalid(file: string, problems: string[]): DrError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => problem.slice(0, LONGEST_PROBLEM));
  const rest = problems.length > shown.length ? [`and ${problems.length - shown.length} more`] : [];
  const lines = [...shown, ...rest].map((line) => `  - ${line}`);
  return new DrError('InvalidConfiguration', `${file} has ${count}:\n${lines.join('\n')}`);
}

/** @throws DrError UnknownCluster that names the configured clusters. */
export function clusterOf(config: Config, cluster: string): ClusterConfig {
  const found = Object.hasOwn(config.clusters, cluster) ? config.clusters[cluster] : undefined;
  if (found) return found;
  const known = Object.keys(config.clusters).join(', ') || 'none';
  throw new DrError('UnknownCluster', `The configuration has no cluster '${cluster}'. It has: ${known}.`, {
    advice: 'Check the spelling, or add the cluster to the configuration and restart the controller.',
  });
}

/** @throws DrError InvalidConfiguration that names the configured nodes. */
export function nodeOf(cluster: ClusterConfig, node: string): NodeConfig {
  const found = cluster.nodes.find((item) => item.name === node);
  if (found) return found;
  const known = cluster.nodes.map((item) => item.name).join(', ');
  throw new DrError('InvalidConfiguration', `The cluster has no node '${node}'. It has: ${known}.`);
}

/**
 * The nodes, each with what an agent needs to know of its host.
 * @throws DrError InvalidConfiguration that names all that have not got it yet.
 */
export function hostedNodes(nodes: readonly NodeConfig[]): HostedNode[] {
  const hosted = nodes.filter((node) => isHosted(node));
  if (hosted.length === nodes.length) return hosted;
  const others = nodes.filter((node) => !isHosted(node)).map(({ name }) => name);
  throw new DrError(
    'InvalidConfiguration',
    `The configuration does not say where Vault stores (dataDir), and how it is started (service), on ${others.join(', ')}.`,
    {
      notice: 'not-enrolled',
      where: others.join(', '),
      advice:
        'Backups by snapshot work without it. Enrol each (`vault-dr enrol invite`), also those over SSH, and restart the controller.',
    },
  );
}

/** The same for one. @throws DrError InvalidConfiguration */
export function hostedNodeOf(cluster: ClusterConfig, node: string): HostedNode {
  const [hosted] = hostedNodes([nodeOf(cluster, node)]);
  return hosted!;
}

export function isHosted(node: NodeConfig): node is HostedNode {
  return node.dataDir !== undefined && node.service !== undefined;
}

/** @throws DrError InvalidConfiguration */
export function sandboxConfigOf({ sandbox }: Config): SandboxConfig {
  if (sandbox) return sandbox;
  throw new DrError('InvalidConfiguration', 'The configuration has no sandbox, so that no Vault is known for it.', {
    advice: 'Add `sandbox: { program: /usr/bin/vault }`, the Vault or OpenBao of the version that the cluster runs.',
  });
}

/** @throws DrError InvalidConfiguration when the file can't be read. */
export async function readPublicKey(config: Config): Promise<string> {
  const { publicKeyFile } = config.signing;
  try {
    return await readFile(publicKeyFile, 'utf8');
  } catch (error) {
    throw new DrError('InvalidConfiguration', `signing.publicKeyFile can't be read: ${(error as Error).message}`, {
      advice: 'Store the public key of the manifest signing key there: `openssl pkey -pubout`.',
      cause: error,
    });
  }
}

export function repositoryConfigOf(config: Config, repository: string): RepositoryConfig {
  const found = Object.hasOwn(config.repositories, repository) ? config.repositories[repository] : undefined;
  if (found) return found;
  const known = Object.keys(config.repositories).join(', ') || 'none';
  throw new DrError('InvalidConfiguration', `The configuration has no repository '${repository}'. It has: ${known}.`);
}

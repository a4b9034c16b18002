import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  stringify,
  visit,
  type YAMLMap,
} from 'yaml';
import { parseConfig } from '../config/load';
import { canonicalJson } from '../contract/canonical-json';
import { DrError } from '../contract/failures';
import type { NodeParts } from './offer';

const DEFAULTS: Partial<NodeParts> = { stateDir: '/var/lib/vault-dr', runtimeDir: '/run/vault-dr' };

/**
 * The controller's configuration with what an agent has found on its host. Comments stay, and nothing else changes.
 * @returns the same text when it says so already
 * @throws DrError InvalidConfiguration when it can't be written without changing more
 */
export function withNodeParts(text: string, file: string, cluster: string, node: string, parts: NodeParts): string {
  const document = parseDocument(text);
  const before = document.toJS() as RawConfig;
  const at = before.clusters?.[cluster]?.nodes?.findIndex(({ name }) => name === node) ?? -1;
  const nodes = document.getIn(['clusters', cluster, 'nodes']);
  if (at < 0 || !isSeq(nodes)) throw byHand(file, `${node} of ${cluster} is not in it, or behind an alias`);
  const wanted = wantedOf(parts, before.clusters![cluster]!.nodes![at]!);
  const changed = Object.entries(wanted).filter(
    ([key, value]) => !isEqual(before.clusters![cluster]!.nodes![at]![key], value),
  );
  if (changed.length === 0) return text;
  const path = ['clusters', cluster, 'nodes', at];
  if (isAlias(document.getIn(path, true))) throw byHand(file, `${node} is an alias`);
  const item = document.getIn(path, true);
  const range = isMap(item) ? item.range : undefined;
  let others = false;
  for (const [key, value] of changed) {
    const old = document.getIn([...path, key], true);
    if (isNode(old)) others = copyAliasesOf(document, old) || others;
    document.setIn([...path, key], document.createNode(value));
  }
  const expected = parseDocument(text).toJS() as RawConfig;
  Object.assign(expected.clusters![cluster]!.nodes![at]!, Object.fromEntries(changed));
  const says = (candidate: string) => isEqual(toJs(candidate), expected);
  const spliced = isMap(item) && range && !others ? splice(text, range, item) : null;
  const result = spliced !== null && says(spliced) ? spliced : document.toString({ lineWidth: 0 });
  if (!says(result)) throw byHand(file, 'more than this node would change');
  parseConfig(result, file);
  return result;
}

/** Rewrites one node alone: the rest of the file keeps its blanks and quotes. */
function splice(text: string, [start, end]: readonly [number, number, number], item: YAMLMap): string {
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  const whole = text.slice(start, end);
  const tail = whole.slice(whole.trimEnd().length);
  const lines = stringify(item, { lineWidth: 0 }).trimEnd().split('\n');
  const indented = lines.map((line, index) => (index === 0 || line === '' ? line : ' '.repeat(column) + line));
  return `${text.slice(0, start)}${indented.join('\n')}${tail || '\n'}${text.slice(end)}`;
}

/** Null for what is no YAML. */
function toJs(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? null : document.toJS();
}

interface RawConfig {
  clusters?: Record<string, { nodes?: Record<string, unknown>[] }>;
}

/** What is as by default is not written, unless it says something else so far. */
function wantedOf(parts: NodeParts, present: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parts).filter(([key, value]) => key in present || !isEqual(DEFAULTS[key as keyof NodeParts], value)),
  );
}

/** Others may point to what is replaced: they keep a copy of it. @returns whether there are any */
function copyAliasesOf(document: Document, replaced: Node): boolean {
  const anchors = new Map<string, Node>();
  visit(replaced, (_key, part) => {
    if (isNode(part) && !isAlias(part) && part.anchor !== undefined) anchors.set(part.anchor, part);
  });
  if (anchors.size === 0) return false;
  let copied = false;
  visit(document, {
    Alias(_key, alias) {
      const target = anchors.get(alias.source);
      if (target === undefined) return undefined;
      const copy = target.clone() as Node;
      if (isScalar(copy) || 'anchor' in copy) delete (copy as { anchor?: string }).anchor;
      copied = true;
      return copy;
    },
  });
  return copied;
}

function byHand(file: string, why: string): DrError {
  return new DrError('InvalidConfiguration', `${file} can't be changed by a program: ${why}.`, {
    where: file,
    advice: 'Nothing was changed. Set agentPublicKey, dataDir, configFiles and service of that node by hand.',
  });
}

function isEqual(left: unknown, right: unknown): boolean {
  return canonicalJson(left ?? null) === canonicalJson(right ?? null);
}

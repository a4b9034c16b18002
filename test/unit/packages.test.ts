import { readdir, readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { parse } from '@swc/core';
import { PROJECT_ROOT } from '../../src/lab/project-root';

/** What an installation runs. The lab is no part of it, nor are the packages that only the lab, scripts and tests need. */
const PRODUCT = ['bin', 'src', 'workflows', 'activities'];
const LAB = 'src/lab/';

let dependencies: string[];
/** By package: the files that import it. */
let imported: Map<string, string[]>;

beforeAll(async () => {
  const manifest = JSON.parse(await readFile(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { dependencies: object };
  dependencies = Object.keys(manifest.dependencies);
  imported = new Map();
  for (const file of await productFiles()) {
    for (const name of packagesIn(await syntaxOf(file))) imported.set(name, [...(imported.get(name) ?? []), file]);
  }
});

test('whatever package the product imports is a dependency of it', () => {
  const missing = [...imported].filter(([name]) => !dependencies.includes(name));

  expect(missing).toEqual([]);
});

test('no package is a dependency that the product does not import', () => {
  expect(dependencies.filter((name) => !imported.has(name))).toEqual([]);
});

test('the lock file has all that packages depend on, for every platform', async () => {
  const lock = JSON.parse(await readFile(join(PROJECT_ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !placesOf(path, name).some((place) => place in lock.packages))
      .map((name) => `${path || 'package.json'}: ${name}`),
  );

  expect(missing).toEqual([]);
});

test('every way to import a package is seen, and none that leaves nothing in the program', async () => {
  const code = `
    import 'a'; import { x } from '@b/c/d.js'; export * from 'e'; export { y } from 'f'; import g = require('g');
    const h = () => import('h'); const i = [{ deep: require('i') }]; require.resolve('j'); import { type K, k } from 'k';
    import type { T } from 'types'; import { type U } from 'types'; export type { V } from 'types';
    type W = import('types').W; import fs from 'node:fs'; import path from 'path'; import near from './near';`;

  const found = packagesIn(await parse(code, { syntax: 'typescript' }));

  expect([...found].sort()).toEqual(['@b/c', 'a', 'e', 'f', 'g', 'h', 'i', 'j', 'k']);
});

interface Lock {
  packages: Record<string, { dependencies?: object; optionalDependencies?: object }>;
}

/** Where Node looks for a package that the one at `path` asks for. */
function placesOf(path: string, name: string): string[] {
  const parents = path
    .split('/node_modules/')
    .map((_part, index, parts) => parts.slice(0, index + 1).join('/node_modules/'));
  return [...parents.map((parent) => `${parent}/node_modules/${name}`), `node_modules/${name}`];
}

async function productFiles(): Promise<string[]> {
  const lists = await Promise.all(
    PRODUCT.map(async (folder) => {
      const names = await readdir(join(PROJECT_ROOT, folder), { recursive: true });
      return names.map((name) => `${folder}/${name}`);
    }),
  );
  return lists.flat().filter((file) => /\.([tj]s|tsx)$/.test(file) && !file.startsWith(LAB));
}

async function syntaxOf(file: string): Promise<unknown> {
  return parse(await readFile(join(PROJECT_ROOT, file), 'utf8'), {
    syntax: 'typescript',
    tsx: file.endsWith('.tsx'),
  });
}

function packagesIn(syntax: unknown): Set<string> {
  const specifiers = specifiersIn(syntax).filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier));
  return new Set(specifiers.map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier));
}

interface Syntax {
  type?: string;
  value?: unknown;
  typeOnly?: boolean;
  isTypeOnly?: boolean;
  specifiers?: Syntax[];
  source?: Syntax;
  expression?: Syntax;
  callee?: Syntax;
  object?: Syntax;
  arguments?: { expression: Syntax }[];
}

function specifiersIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  const own = sourceOf(part as Syntax);
  const inside = Object.values(part).flatMap(specifiersIn);
  return own?.type === 'StringLiteral' ? [String(own.value), ...inside] : inside;
}

function sourceOf(syntax: Syntax): Syntax | undefined {
  if (syntax.type === 'TsExternalModuleReference') return syntax.expression;
  if (syntax.type === 'CallExpression') {
    const { callee } = syntax;
    const loads = callee?.type === 'Import' || callee?.value === 'require' || callee?.object?.value === 'require';
    return loads ? syntax.arguments?.[0]?.expression : undefined;
  }
  const { specifiers = [], typeOnly = false } = syntax;
  const leavesNothing = typeOnly || (specifiers.length > 0 && specifiers.every((item) => item.isTypeOnly));
  return leavesNothing ? undefined : syntax.source;
}

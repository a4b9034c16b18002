#!/usr/bin/env node
// Writes dist/api: the types of the contract as pages, and the inputs of workflows and messages as JSON Schema.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT, source } from '../sources.mjs';

const HERE = join(ROOT, 'scripts/api-docs');
const OUT = join(ROOT, 'dist/api');

const run = (program, ...args) => execFileSync(program, args, { cwd: HERE, stdio: 'inherit' });
run('npm', 'ci', '--no-audit', '--no-fund');
run('node_modules/.bin/typedoc');

const exported = Object.entries(source('src/contract/input.ts'));
const inputs = exported.filter(([, value]) => value instanceof z.ZodType);
mkdirSync(join(OUT, 'schemas'), { recursive: true });
for (const [name, schema] of inputs) {
  const text = JSON.stringify({ title: name, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2);
  writeFileSync(join(OUT, `schemas/${name}.json`), `${text}\n`);
}
console.log(`The pages are in dist/api/index.html, ${inputs.length} schemas in dist/api/schemas.`);

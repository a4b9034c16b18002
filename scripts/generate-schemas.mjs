#!/usr/bin/env node
// Writes the JSON Schemas of what the commands print with --json.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const require = createRequire(import.meta.url);
require(join(ROOT, 'test/support/typescript-hook.js'));
const { DOCUMENTS } = require(join(ROOT, 'src/cli/documents.ts'));
const { schemaText } = require(join(ROOT, 'src/cli/schemas.ts'));

const directory = join(ROOT, 'schemas/cli');
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const name of Object.keys(DOCUMENTS)) writeFileSync(join(directory, `${name}.schema.json`), schemaText(name));

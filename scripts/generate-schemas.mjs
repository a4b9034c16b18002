#!/usr/bin/env node
// Writes the JSON Schemas of what the commands print with --json.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, source } from './sources.mjs';

const { DOCUMENTS } = source('src/cli/documents.ts');
const { schemaText } = source('src/cli/schemas.ts');

const directory = join(ROOT, 'schemas/cli');
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const name of Object.keys(DOCUMENTS)) writeFileSync(join(directory, `${name}.schema.json`), schemaText(name));

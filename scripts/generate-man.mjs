#!/usr/bin/env node
// Writes the manual page from the commands themselves. To read it: man -l dist/man/vault-dr.1
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const require = createRequire(import.meta.url);
require(join(ROOT, 'test/support/typescript-hook.js'));
const { program } = require(join(ROOT, 'src/cli/commands.ts'));
const { manualPage } = require(join(ROOT, 'src/cli/manual.ts'));
const { treeOf } = require(join(ROOT, 'src/cli/tree.ts'));
const { VERSION } = require(join(ROOT, 'src/version.ts'));

// A build of the same source may want the same page.
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1_000);
const date = new Date(seconds * 1_000).toISOString().slice(0, 10);
const directory = process.argv[2] ?? join(ROOT, 'dist/man');
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'vault-dr.1'), manualPage(treeOf(program()), VERSION, date));

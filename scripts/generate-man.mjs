#!/usr/bin/env node
// Writes the manual page from the commands themselves. To read it: man -l dist/man/vault-dr.1
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, source } from './sources.mjs';

const { program } = source('src/cli/commands.ts');
const { manualPage } = source('src/cli/manual.ts');
const { treeOf } = source('src/cli/tree.ts');
const { VERSION } = source('src/version.ts');

// A build of the same source may want the same page.
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1_000);
const date = new Date(seconds * 1_000).toISOString().slice(0, 10);
const directory = process.argv[2] ?? join(ROOT, 'dist/man');
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'vault-dr.1'), manualPage(treeOf(program()), VERSION, date));

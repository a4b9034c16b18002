#!/usr/bin/env node
// Writes the pages that are made from the source, and the schema of the configuration.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const require = createRequire(import.meta.url);
require(join(ROOT, 'test/support/typescript-hook.js'));
const { messagesPage } = require(join(ROOT, 'src/catalogue/page.ts'));
writeFileSync(join(ROOT, 'docs/messages.md'), messagesPage());

const { configJsonSchema } = require(join(ROOT, 'src/config/json-schema.ts'));
const schema = await format(JSON.stringify(configJsonSchema()), { parser: 'json', printWidth: 120 });
writeFileSync(join(ROOT, 'schemas/vault-dr.schema.json'), schema);

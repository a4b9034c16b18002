#!/usr/bin/env node
// Writes the pages that are made from the source, and the schema of the configuration.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { ROOT, source } from './sources.mjs';

const { messagesPage } = source('src/catalogue/page.ts');
writeFileSync(join(ROOT, 'docs/messages.md'), messagesPage());

const { configJsonSchema } = source('src/config/json-schema.ts');
const schema = await format(JSON.stringify(configJsonSchema()), { parser: 'json', printWidth: 120 });
writeFileSync(join(ROOT, 'schemas/vault-dr.schema.json'), schema);

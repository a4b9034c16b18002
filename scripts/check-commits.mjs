#!/usr/bin/env node
// Refuses messages that the changelog can't be made from: npm run check:commits -- main..HEAD
import { commitsIn, TYPES } from './commits.mjs';

const [range = 'main..HEAD'] = process.argv.slice(2);
const wrong = commitsIn(range).filter(({ type }) => type === null);
for (const { hash, header } of wrong) console.error(`${hash.slice(0, 7)}: ${header}`);
if (wrong.length > 0) {
  console.error(
    `Messages have the form \`type(scope): subject\`, with one of these types: ${Object.keys(TYPES).join(', ')}.`,
  );
  process.exitCode = 1;
}

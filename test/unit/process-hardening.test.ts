import { coreLimit } from '../../src/process-hardening';
import { startScript } from '../support/script';

const SAY = `
  const { hardenProcess, coreLimit } = load('process-hardening');
  const warnings = [];
  await hardenProcess((message) => warnings.push(message));
  const limits = require('node:fs').readFileSync('/proc/self/limits', 'utf8');
  console.log(JSON.stringify({ limit: coreLimit(limits), mask: process.umask(), warnings }));
`;

/** After a start-up with this limit, and no other programs than those on this path. */
async function started(limit: string, path = process.env['PATH'] ?? '') {
  const script = startScript(`
    require('node:child_process').execFileSync('prlimit', ['--core=${limit}:unlimited', '--pid=' + process.pid]);
    process.env.PATH = ${JSON.stringify(path)};
    process.umask(0);
    ${SAY}
  `);
  try {
    return JSON.parse(await script.line()) as { limit: string; mask: number; warnings: string[] };
  } finally {
    await script.kill();
  }
}

test('what is written is for nobody else, and a crash leaves no dump', async () => {
  expect(await started('unlimited')).toEqual({ limit: '1', mask: 0o077, warnings: [] });
  expect(await started('0')).toEqual({ limit: '0', mask: 0o077, warnings: [] });
});

test('where the limit can not be set that is said', async () => {
  const { limit, warnings } = await started('unlimited', '/nonexistent');

  expect(limit).toBe('unlimited');
  expect(warnings).toEqual([expect.stringMatching(/core dump: there is no `prlimit`.*LimitCORE=0/)]);
});

test('a limit that is not known is none', () => {
  expect(coreLimit('')).toBe('');
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

describe('a run of some tests', () => {
  it('needs no server for unit tests, and compiles nothing', async () => {
    const { code, output, lastLine } = await run('test', 'test/unit/plan/hash.test.ts');

    expect(code).toBe(0);
    expect(lastLine).toMatch(/^[1-9]\d* passed, 0 failed$/);
    expect(output).not.toMatch(/^(compile|servers) /m);
    expect(existsSync(inTest('cache'))).toBe(false);
  });

  it('needs Temporal alone for workflow tests', async () => {
    await writeFile(inTest('temporal'), '#!/bin/sh\necho temporal version 9.9.9\n', { mode: 0o755 });

    const { code, output } = await run('test:workflow', '--listTests');

    expect(code).toBe(0);
    expect(output.match(/^servers {4}(?!ok).*$/gm)).toEqual([
      `servers    temporal: ${inTest('temporal')} (VAULT_DR_TEMPORAL), temporal version 9.9.9`,
    ]);
    expect(output).not.toMatch(/^compile /m);
    expect(existsSync(inTest('cache'))).toBe(false);
  });

  it.each([
    ['test/unit/plan/hash.test.ts', { compiled: false, servers: [] }],
    ['test/unit/lab/guard.test.ts', { compiled: true, servers: [] }],
    ['test/replay/replay.test.ts', { compiled: false, servers: [] }],
    ['test/workflow/slow-join.test.ts', { compiled: false, servers: ['temporal'] }],
    ['test/e2e/lab.test.ts', { compiled: true, servers: ['vault', 'temporal', 'weed'] }],
    ['test/long/main-job.test.ts', { compiled: true, servers: ['vault', 'temporal', 'weed'] }],
    ['test/attacks/forged-steps.test.ts', { compiled: true, servers: ['vault', 'temporal', 'weed'] }],
  ])('prepares what %s needs', async (file, needs) => {
    const files = ['test/unit/plan/log-end.test.ts', file].map((name) => join(PROJECT_ROOT, name));
    const code = `
      import { needsOf } from ${JSON.stringify(join(PROJECT_ROOT, 'scripts/needs.mjs'))};
      console.log(JSON.stringify(needsOf(${JSON.stringify(files)}, ${JSON.stringify(PROJECT_ROOT)})));`;

    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);

    expect(JSON.parse(stdout)).toEqual(needs);
  });

  it('takes a project and any option of Jest', async () => {
    const { code, output } = await run('test:replay', '--listTests', '-t', 'some name');

    expect(code).toBe(0);
    expect(output).toContain(join(PROJECT_ROOT, 'test/replay/replay.test.ts'));
    expect(output).not.toContain(join(PROJECT_ROOT, 'test/unit'));
  });
});

describe('the last line', () => {
  it('counts tests that failed, and files that could not run', async () => {
    await mkdir(inTest('tests'));
    await writeFile(inTest('tests/jest.config.js'), 'module.exports = { rootDir: __dirname, transform: {} };');
    await writeFile(inTest('tests/a.test.js'), "test('a', () => {}); test('b', () => { throw new Error('no'); });");
    await writeFile(inTest('tests/b.test.js'), 'this is no test');

    const { code, lastLine } = await run('test', '--config', inTest('tests/jest.config.js'));

    expect({ code, lastLine }).toEqual({ code: 1, lastLine: '1 passed, 2 failed' });
  });

  describe('of files that run again when they fail', () => {
    const FAILS = "test('a', () => {}); test('b', () => { throw new Error('no'); });";
    const FAILS_ONCE = `
      const { existsSync, writeFileSync } = require('node:fs');
      test('a', () => {
        if (existsSync(__filename + '.ran')) return;
        writeFileSync(__filename + '.ran', '');
        throw new Error('too busy');
      });`;

    it.each<[string, Record<string, string>, object]>([
      [
        'fails once',
        { a: FAILS_ONCE },
        { code: 0, passed: 2, failed: 0, unsteady: [expect.stringMatching(/\/a\.test\.js$/)] },
      ],
      ['fails twice', { a: FAILS }, { code: 1, passed: 2, failed: 1, unsteady: [] }],
      ['cannot run', { a: 'this is no test' }, { code: 1, passed: 1, failed: 1, unsteady: [] }],
      [
        'is one of many',
        { a: FAILS_ONCE, b: FAILS_ONCE, c: FAILS_ONCE, d: FAILS_ONCE },
        { code: 1, passed: 1, failed: 4 },
      ],
    ])('counts one that %s', async (_what, tests, counts) => {
      await mkdir(inTest('tests'));
      await writeFile(inTest('tests/jest.config.js'), 'module.exports = { rootDir: __dirname, transform: {} };');
      for (const [name, content] of Object.entries({ ...tests, passes: "test('a', () => {});" })) {
        await writeFile(inTest(`tests/${name}.test.js`), content);
      }
      const code = `
        import { writeFileSync } from 'node:fs';
        import { runJestTwice } from ${JSON.stringify(join(PROJECT_ROOT, 'scripts/jest.mjs'))};
        process.chdir(${JSON.stringify(PROJECT_ROOT)});
        const result = await runJestTwice([], ['--config', ${JSON.stringify(inTest('tests/jest.config.js'))}]);
        writeFileSync(${JSON.stringify(inTest('result.json'))}, JSON.stringify(result));`;

      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);

      expect(JSON.parse(await readFile(inTest('result.json'), 'utf8'))).toMatchObject(counts);
    });
  });

  it('stands below the slowest files, where there are many', async () => {
    await mkdir(inTest('tests'));
    await writeFile(inTest('tests/jest.config.js'), 'module.exports = { rootDir: __dirname, transform: {} };');
    const names = Array.from({ length: 12 }, (_, index) => `t${index}.test.js`);
    await Promise.all(names.map((name) => writeFile(inTest(`tests/${name}`), "test('a', () => {});")));

    const { output, lastLine } = await run('test', '--config', inTest('tests/jest.config.js'));

    expect(lastLine).toBe('12 passed, 0 failed');
    expect(output.split('The slowest files:')[1]?.match(/^ +\d+ s  .*t\d+\.test\.js$/gm)).toHaveLength(10);
  });

  it.each([['no/such/test'], ['--nosuchoption']])(
    'counts a run that found no tests as failed: %s',
    async (argument) => {
      const { code, lastLine } = await run('test:unit', argument);

      expect({ code, lastLine }).toEqual({ code: 1, lastLine: '0 passed, 1 failed' });
    },
  );
});

describe('packages', () => {
  const lock = (packages: object) => JSON.stringify({ packages: { '': { name: 'project' }, ...packages } });

  beforeEach(async () => {
    await cp(join(PROJECT_ROOT, 'scripts'), inTest('scripts'), { recursive: true });
    await mkdir(inTest('modules'));
    await writeFile(
      inTest('modules/.package-lock.json'),
      lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } }),
    );
  });

  it('are not installed again when the lock file is newer, but asks for the same', async () => {
    await rename(inTest('modules'), inTest('node_modules'));
    const optional = { 'node_modules/c': { version: '1.0.0', optional: true } };
    await writeFile(
      inTest('package-lock.json'),
      lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' }, ...optional }),
    );

    expect((await runHere()).output).not.toMatch(/^packages /m);
  });

  it.each([
    ['another version', { 'node_modules/a': { version: '1.0.1' } }],
    ['one more', { 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '1.0.0' } }],
  ])('are installed when the lock file asks for %s', async (_what, packages) => {
    await rename(inTest('modules'), inTest('node_modules'));
    await writeFile(inTest('package-lock.json'), lock(packages));

    expect((await runHere()).output).toMatch(/^packages .*FAILED/m);
  });

  it('are never installed through a link', async () => {
    await symlink(inTest('modules'), inTest('node_modules'));
    await writeFile(inTest('package-lock.json'), lock({ 'node_modules/a': { version: '1.0.1' } }));

    expect((await runHere()).output).toContain(`node_modules is a link to ${inTest('modules')}`);
    expect(await readdir(inTest('modules'))).toEqual(['.package-lock.json']);
  });

  /** Without npm, and without Jest. */
  const runHere = () => execute(inTest('scripts/run.mjs'), ['test:unit'], { PATH: '' });
});

/** With an empty cache, and no server but a Temporal that the test may write. */
function run(...args: string[]): Promise<Result> {
  return execute(join(PROJECT_ROOT, 'scripts/run.mjs'), args, {
    PATH: process.env['PATH'],
    VAULT_DR_CACHE: inTest('cache'),
    VAULT_DR_TEMPORAL: inTest('temporal'),
    VAULT_DR_VAULT: inTest('none'),
    VAULT_DR_WEED: inTest('none'),
    VAULT_DR_CONSUL: inTest('none'),
    VAULT_DR_VAULT_FULL: inTest('none'),
  });
}

interface Result {
  code: number;
  output: string;
  lastLine: string;
}

function execute(script: string, args: string[], env: NodeJS.ProcessEnv): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout, lastLine: stdout.split('\n').at(-2) ?? '' });
    });
  });
}

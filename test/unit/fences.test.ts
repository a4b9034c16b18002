import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path/posix';
import { promisify } from 'node:util';
import { useDirectory } from '../support/temporary';

const ROOT = join(__dirname, '../..');
const LINTER = join(ROOT, 'node_modules/oxlint/bin/oxlint');

/** Room → what it must not import, by path from the root or by name. */
const FORBIDDEN: Record<string, string[]> = {
  workflows: [
    'node:fs',
    'fs',
    'node:fs/promises',
    'fs/promises',
    'node:timers/promises',
    'crypto',
    'undici',
    '@aws-sdk/client-s3',
    'zod',
    '@temporalio/client',
    '@temporalio/worker',
    '@temporalio/worker/lib/worker',
    '@temporalio/activity',
    '@temporalio/common/lib/time',
    'activities/node',
    'activities/controller/plan',
    'src/plan/steps',
    'src/vault/client',
    'src/logger',
  ],
  'workflows/run': ['node:fs/promises', '@temporalio/activity', 'src/host/run/claim', 'activities/poll'],
  'src/contract': ['node:fs/promises', 'crypto', 'undici', '@temporalio/common', 'src/plan/steps', 'src/version'],
  'src/catalogue': ['node:fs/promises', 'crypto', 'zod', '@temporalio/common', 'src/plan/findings', 'src/cli/output'],
  'src/plan': ['node:fs/promises', 'fs', 'undici', '@temporalio/common', 'src/vault/client', 'src/files/files', 'zod'],
  'src/files': ['@temporalio/common', 'src/host/run/claim', 'src/vault/client', 'src/repository/types'],
  'src/web': ['node:fs/promises', 'undici', '@temporalio/client', 'src/crypto/agent-key', 'src/config/load', 'zod'],
  'src/web/browser': [
    'node:crypto',
    'crypto',
    'zod',
    'undici',
    '@temporalio/common',
    'src/crypto/age',
    'src/cli/output',
  ],
  'src/report': ['@temporalio/client', 'src/host/run/claim', 'src/repository/types', 'src/vault/client'],
  'src/repository': [
    '@temporalio/client',
    'src/host/run/claim',
    'src/vault/client',
    'src/temporal/runs',
    'src/lab/lab',
  ],
  'src/repository/s3': ['@temporalio/common', 'src/host/service/ports', 'src/cli/output'],
  'src/vault': ['@temporalio/common', 'src/host/run/claim', 'src/repository/types'],
  'src/vault/config': ['src/host/config/config-files', 'src/temporal/connect'],
  'src/consul': ['@temporalio/common', 'src/host/run/claim', 'src/repository/types', 'src/lab/lab'],
  'src/host': ['@temporalio/client', 'src/repository/types', 'src/cli/output', 'src/lab/lab'],
  'src/audit': ['@temporalio/client', 'src/host/run/claim'],
  'src/crypto': ['@temporalio/client', 'src/vault/client', 'src/config/load'],
  'src/config': ['@temporalio/client', 'src/vault/client'],
  'src/ssh': [
    '@temporalio/client',
    '@temporalio/worker',
    'src/temporal/runs',
    'src/vault/client',
    'src/cli/output',
    'src/lab/lab',
  ],
  'src/recover': ['@temporalio/client', 'src/host/run/claim', 'src/repository/types', 'src/cli/output', 'src/lab/lab'],
  'src/temporal': ['src/host/run/claim', 'src/cli/output', 'src/lab/lab', '@temporalio/worker/lib/worker'],
  'src/cli': ['src/host/run/claim', 'src/lab/lab', 'activities/node', '@temporalio/worker'],
  'src/lab': ['src/cli/output', 'src/host/run/claim', 'activities/node'],
  'src/install': ['@temporalio/client', 'src/host/run/claim', 'src/vault/client', 'src/cli/output'],
  'src/a-new-room': ['@temporalio/client', 'src/host/run/claim', 'src/vault/client', 'src/lab/lab'],
  activities: [
    'workflows/restore-cluster',
    '@temporalio/workflow',
    'src/host/run/claim',
    'src/vault/client',
    'activities/node',
  ],
  'activities/controller': [
    'workflows/run/recovery',
    'src/host/run/claim',
    'activities/node/context',
    'activities/node',
    'src/lab/lab',
  ],
  'activities/node': [
    '@temporalio/client',
    'src/audit/audit-trail',
    'activities/controller/plan',
    'activities/controller',
    'src/lab/lab',
  ],
};

const ALLOWED: Record<string, string[]> = {
  workflows: ['@temporalio/workflow', '@temporalio/common', 'src/contract/names', 'workflows/run/recovery'],
  'src/contract': ['zod', 'src/contract/names'],
  'src/plan': ['node:crypto', 'src/contract/plan'],
  'src/repository/s3': ['@aws-sdk/client-s3', 'node:fs/promises', 'src/files/files', 'src/config/schema'],
  'src/host/service': ['node:child_process', 'src/vault/client', 'src/files/files'],
  'src/ssh': ['@temporalio/activity', 'activities/node', 'src/host/run/claim', 'src/config/load'],
  'activities/controller': ['@temporalio/activity', 'activities/poll', 'src/audit/audit-trail', 'src/vault/client'],
  'activities/node': ['@temporalio/activity', 'activities/poll', 'src/host/run/claim'],
};

/** Every way in which TypeScript takes a module in. */
const FORMS: ((specifier: string) => string)[] = [
  (specifier) => `import * as planted from '${specifier}'; export const a = planted;`,
  (specifier) => `export * from '${specifier}';`,
  (specifier) => `export { a } from '${specifier}';`,
  (specifier) => `export const a = import('${specifier}');`,
  (specifier) => `export const a = require('${specifier}');`,
  (specifier) => `import planted = require('${specifier}'); export const a = planted;`,
];
const TYPE_FORMS: typeof FORMS = [
  (specifier) => `import type { A } from '${specifier}'; export type B = A;`,
  (specifier) => `import { type A } from '${specifier}'; export type B = A;`,
  (specifier) => `export type B = import('${specifier}').A;`,
];

const inTest = useDirectory();
let planted: { file: string; what: string }[];

beforeEach(async () => {
  planted = [];
  await mkdir(inTest('scripts'));
  await copyFile(join(ROOT, '.oxlintrc.json'), inTest('.oxlintrc.json'));
  for (const plugin of ['fences.mjs', 'prose.mjs', 'words.mjs']) {
    await copyFile(join(ROOT, 'scripts', plugin), inTest('scripts', plugin));
  }
});

test('no forbidden import gets through, at whatever depth of a room and in whatever form', async () => {
  for (const [room, targets] of Object.entries(FORBIDDEN)) {
    for (const target of targets) await plant(room, target, [FORMS[0]!]);
  }
  await plant('workflows', 'node:fs/promises', FORMS);
  await plant('src/contract', 'src/plan/steps', [...FORMS, ...TYPE_FORMS]);
  await plant('src/report', 'src/host/run/claim', [...FORMS, ...TYPE_FORMS]);
  const stopped = await lint();
  const through = planted.filter(({ file }) => !stopped.has(file));

  expect(planted.length).toBeGreaterThan(200);
  expect(through.map(({ what }) => what)).toEqual([]);
});

test('what a room needs gets through, and types where the running program needs nothing', async () => {
  for (const [room, targets] of Object.entries(ALLOWED)) {
    for (const target of targets) await plant(room, target, FORMS);
  }
  await plant('workflows', 'activities/node', TYPE_FORMS);
  await plant('workflows', 'zod', TYPE_FORMS);
  const stopped = await lint();

  expect(planted.filter(({ file }) => stopped.has(file)).map(({ what }) => what)).toEqual([]);
});

/** In the room itself, and two folders deeper. */
async function plant(room: string, target: string, forms: typeof FORMS): Promise<void> {
  for (const place of [room, `${room}/deeper/still`]) {
    for (const form of forms) {
      const file = `${place}/planted-${planted.length}.ts`;
      const isPath = /^(src|activities|workflows)\//.test(target);
      const path = relative(dirname(file), target);
      const specifier = !isPath ? target : path.startsWith('.') ? path : `./${path}`;
      await mkdir(inTest(place), { recursive: true });
      await writeFile(inTest(file), `${form(specifier)}\n`);
      planted.push({ file, what: `${file}: ${form(specifier)}` });
    }
  }
}

/** @returns the files in which the fence reports something. */
async function lint(): Promise<Set<string>> {
  const output = await promisify(execFile)(
    process.execPath,
    [LINTER, '--format=json', ...new Set(planted.map(({ file }) => file.split('/')[0] ?? ''))],
    { cwd: inTest(), maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: { stdout: string }) => error);
  const { diagnostics } = JSON.parse(output.stdout) as { diagnostics: { code: string; filename: string }[] };
  return new Set(diagnostics.filter(({ code }) => code === 'rooms(fence)').map(({ filename }) => filename));
}

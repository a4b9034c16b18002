import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT_ROOT } from '../../src/lab/project-root';

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, { 'timeout-minutes': number; permissions?: object; steps: { uses?: string; run?: string }[] }>;
}

const read = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8');
const filesIn = (folder: string) => readdirSync(join(PROJECT_ROOT, folder)).map((name) => `${folder}/${name}`);
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** Jobs that may do more than read. */
const MAY_WRITE: Record<string, object> = { '.github/workflows/release.yml#packages': { contents: 'write' } };

describe.each(filesIn('.github/workflows'))('%s', (file) => {
  const text = read(file);
  const { permissions, jobs } = parse(text) as Workflow;

  it('calls only npm scripts that there are', () => {
    const called = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);

    expect(called.length).toBeGreaterThan(0);
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('may only read, but for those that release, and ends by itself', () => {
    expect(permissions).toEqual({ contents: 'read' });
    for (const [name, job] of Object.entries(jobs)) {
      expect(job.permissions).toEqual(MAY_WRITE[`${file}#${name}`]);
      expect(job['timeout-minutes']).toBeLessThan(360);
    }
  });

  it('pins each action to a commit, with its version beside it', () => {
    const actions = [...text.matchAll(/uses: (.*)$/gm)].map(([, action = '']) => action);

    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('puts nothing that others choose into a shell command', () => {
    const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));

    for (const command of commands) expect(command).not.toMatch(/\$\{\{\s*(github|inputs)\b/);
  });
});

it('workflows run every kind of test', () => {
  const text = filesIn('.github/workflows').map(read).join('\n');
  const kinds = Object.keys(scripts).filter((name) => name.startsWith('test:') || name === 'check');

  expect(kinds.length).toBeGreaterThan(5);
  expect(kinds.filter((name) => !new RegExp(`npm run ${name}(\\s|$)`, 'm').test(text))).toEqual([]);
});

describe.each(filesIn('.github/ISSUE_TEMPLATE').filter((file) => !file.endsWith('config.yml')))('%s', (file) => {
  const form = parse(read(file)) as {
    name: string;
    description: string;
    body: { type: string; id?: string; attributes: { label?: string; value?: string } }[];
  };

  it('is a form as GitHub takes it', () => {
    const fields = form.body.filter(({ type }) => type !== 'markdown');
    const ids = fields.map(({ id }) => id);

    expect(form.name.length).toBeGreaterThan(2);
    expect(form.description.length).toBeGreaterThan(10);
    expect(ids.filter((id) => !/^[a-z]+$/.test(id ?? ''))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(fields.filter(({ attributes }) => (attributes.label ?? '') === '')).toEqual([]);
    for (const { type } of form.body) {
      expect(['markdown', 'input', 'textarea', 'dropdown', 'checkboxes']).toContain(type);
    }
  });
});

it('forms that ask for output ask for no secret in it', () => {
  for (const name of ['bug', 'recovery']) {
    const { body } = parse(read(`.github/ISSUE_TEMPLATE/${name}.yml`)) as {
      body: { id?: string; attributes: { options?: { label: string; required: boolean }[] } }[];
    };
    const [option] = body.find(({ id }) => id === 'secrets')?.attributes.options ?? [];

    expect(option).toMatchObject({ required: true, label: expect.stringMatching(/^No unseal share/) });
  }
});

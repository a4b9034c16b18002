import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { loadClientConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import type { Command } from 'commander';
import { z } from 'zod';
import { program } from '../../src/cli/commands';
import { EXIT } from '../../src/cli/program';
import { parseConfig } from '../../src/config/load';
import { configSchema } from '../../src/config/schema';
import { clusterInput } from '../../src/contract/input';
import { SEARCH_ATTRIBUTES } from '../../src/contract/names';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { anchorOf, blocksOf, inProject, pages, usageProblem, vaultDrCommands } from '../support/documentation';
import { readMarkdown } from '../support/markdown';

const run = promisify(execFile);

describe('every page', () => {
  it('links only to what is there, headings included', async () => {
    const broken: string[] = [];
    for (const page of await pages()) {
      const { text } = await readMarkdown(inProject(page));
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? inProject(page) : join(dirname(inProject(page)), path);
        if (!(await isThere(file))) broken.push(`${page}: ${target}`);
        else if (anchor !== undefined && !(await anchorsOf(file)).includes(anchor)) broken.push(`${page}: ${target}`);
      }
    }

    expect(broken).toEqual([]);
  });

  it('has shell commands that a shell can parse', async () => {
    const blocks = await blocksOf('sh');

    const problems = await Promise.all(
      blocks.map(({ page, code }) =>
        run('bash', ['-n', '-c', code]).then(
          () => null,
          (error: Error) => `${page}: ${error.message}`,
        ),
      ),
    );

    expect(blocks.length).toBeGreaterThan(40);
    expect(problems.filter((problem) => problem !== null)).toEqual([]);
  });

  it('names only npm scripts and test files that there are', async () => {
    const { scripts } = JSON.parse(await readFile(inProject('package.json'), 'utf8')) as { scripts: object };
    const missing: string[] = [];
    for (const page of await pages()) {
      const { text } = await readMarkdown(inProject(page));
      for (const [, name = ''] of text.matchAll(/\bnpm run ([\w:]+)/g)) {
        if (!(name in scripts)) missing.push(`${page}: npm run ${name}`);
      }
      for (const [path] of text.matchAll(/\btest\/[\w/-]+\.ts\b/g)) {
        if (!(await isThere(inProject(path)))) missing.push(`${page}: ${path}`);
      }
    }

    expect(missing).toEqual([]);
  });

  it('gives the temporal CLI inputs that are JSON, and never starts a restore without --fail-existing', async () => {
    const scripts = (await blocksOf('sh')).map(({ code }) => code.replaceAll('\\\n', ' '));
    const inputs = scripts.flatMap((code) => [...code.matchAll(/--input '([^']*)'/g)].map(([, input = '']) => input));
    const starts = scripts
      .flatMap((code) => code.split('\n'))
      .filter((line) => /^ *temporal workflow start/.test(line));

    expect(inputs.length).toBeGreaterThan(5);
    for (const input of inputs) expect(() => JSON.parse(input) as unknown).not.toThrow();
    expect(starts.length).toBeGreaterThan(1);
    for (const start of starts) expect(start).toContain('--fail-existing');
  });

  it('shows only commands of vault-dr that the program takes, with their options', async () => {
    const root = program();
    const shown = [...(await blocksOf('sh')), ...(await blocksOf('console'))].flatMap(({ page, code }) =>
      vaultDrCommands(code.replaceAll(/^ *\$ /gm, '')).map((words) => ({ page, words })),
    );

    const problems = shown.flatMap(({ page, words }) => {
      const problem = usageProblem(root, words);
      return problem === null ? [] : [`${page}: vault-dr ${words.join(' ')}: ${problem}`];
    });

    expect(shown.length).toBeGreaterThan(60);
    expect(problems).toEqual([]);
  });

  it('names only commands and options of vault-dr in sentences that there are', async () => {
    const root = program();
    const problems: string[] = [];
    let count = 0;
    for (const page of await pages()) {
      if (page === 'CHANGELOG.md') continue;
      const { sections } = await readMarkdown(inProject(page));
      for (const { text } of sections) {
        for (const [, code = ''] of text.matchAll(/`vault-dr\s([^`]+)`/g)) {
          count++;
          const words = code.split(/\s+/).filter((word) => !/^(?:[A-Z…]+(?:,…)?|[<>|].*)$/.test(word));
          const problem = words.length === 0 ? null : usageProblem(root, words, true);
          if (problem !== null) problems.push(`${page}: vault-dr ${code}: ${problem}`);
        }
      }
    }

    expect(count).toBeGreaterThan(50);
    expect(problems).toEqual([]);
  });

  it('has configurations and JSON documents that parse', async () => {
    const configurations = await blocksOf('yaml');
    const documents = await blocksOf('json');

    expect(configurations.length).toBeGreaterThan(0);
    for (const { page, code } of configurations) expect(parseConfig(code, page).clusters).toHaveProperty('prod');
    expect(documents.length).toBeGreaterThan(0);
    for (const { code } of documents) expect(() => JSON.parse(code) as unknown).not.toThrow();
  });
});

describe('docs/configuration.md', () => {
  it('has an entry with the right default for each setting, and none for what is no setting', async () => {
    const { sections } = await readMarkdown(inProject('docs/configuration.md'));
    const documented = sections.flatMap(({ heading, text }) => {
      const path = /^`([^`]+)`$/.exec(heading)?.[1] ?? (heading === 'Top of the file' ? '' : null);
      if (path === null) return [];
      return [...text.matchAll(/^- `([^`]+)` \((.*?)\):\s/gm)].map(([, name = '', value = '']) => ({
        path: path === '' ? name : `${path}.${name}`,
        value: value.replaceAll('`', ''),
      }));
    });
    const settings = settingsOf(
      z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema,
      '',
    );

    const paths = (list: { path: string }[]) => [...new Set(list.map(({ path }) => path))].sort();
    expect(paths(documented)).toEqual(paths(settings));
    const wrong = settings.filter(({ path, value }) => {
      const values = documented.filter((row) => row.path === path).map((row) => row.value);
      return value !== null && !values.includes(value);
    });
    expect(wrong).toEqual([]);
  });
});

describe('docs/cli.md', () => {
  it('has every command with its options and an example, and no other', async () => {
    const { sections, blocks } = await readMarkdown(inProject('docs/cli.md'));
    const common = sections.find(({ heading }) => heading === 'Commands')?.text ?? '';
    const documented = sections.flatMap(({ heading }) => /^`vault-dr (.*)`$/.exec(heading)?.[1] ?? []);

    const commands = commandsOf(program(), '');

    expect(documented.toSorted()).toEqual(commands.map(({ name }) => name).toSorted());
    for (const { name, options } of commands) {
      const section = sections.find(({ heading }) => heading === `\`vault-dr ${name}\``);
      for (const option of options) expect(`${name}: ${section?.text}${common}`).toContain(`\`${option}`);
      expect(blocks.some(({ code }) => code.includes(`vault-dr ${name} `))).toBe(true);
    }
  });

  it('lists the exit codes', async () => {
    const { sections } = await readMarkdown(inProject('docs/cli.md'));

    const codes = sections.find(({ heading }) => heading === 'Exit codes')?.rows.map(([code]) => Number(code));

    expect(codes).toEqual(Object.values(EXIT));
  });
});

describe('temporal-config', () => {
  const profiles = inProject('temporal-config/temporal.toml');

  it('has profiles that the SDK takes', async () => {
    const config = loadClientConfig({ configSource: { path: profiles }, configFileStrict: true, overrideEnvVars: {} });
    const compose = loadClientConnectConfig({
      configSource: { path: profiles },
      profile: 'compose',
      overrideEnvVars: {},
    });

    expect(Object.keys(config.profiles)).toEqual(['local', 'compose', 'prod']);
    expect(compose.connectionOptions.address).toBe('temporal:7233');
    expect(config.profiles['prod']?.tls?.clientKey).toEqual({ path: '/etc/vault-dr/temporal/client.key' });
  });

  it('lists the search attributes that the workflows set', async () => {
    const lines = (await readFile(inProject('temporal-config/search-attributes.txt'), 'utf8')).trim().split('\n');

    expect(lines).toEqual(SEARCH_ATTRIBUTES.map((name) => `${name} Keyword`));
  });

  it('has inputs for schedules that the workflows take', async () => {
    const directory = inProject('temporal-config/schedules');
    const names = await readdir(directory);
    const inputs = await Promise.all(
      names.map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as unknown),
    );

    expect(inputs.map((input) => clusterInput.parse(input))).toEqual([{ cluster: 'prod' }]);
  });
});

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  default?: unknown;
}

/** Every setting with its path and, where the schema tells it, what stands in the column of defaults. */
function settingsOf(schema: JsonSchema, path: string): { path: string; value: string | null }[] {
  const options = schema.anyOf ?? schema.oneOf ?? [schema];
  // A secret; its forms are described once.
  if (options.some((option) => option.properties?.['env']?.type === 'string')) return [];
  return options.flatMap((option) => {
    if (option.items) return settingsOf(option.items, `${path}[]`);
    if (option.properties === undefined) {
      const { additionalProperties } = option;
      return typeof additionalProperties === 'object' && additionalProperties.type !== 'string'
        ? settingsOf(additionalProperties, `${path}.NAME`)
        : [];
    }
    return Object.entries(option.properties).flatMap(([key, value]) => {
      const own = path === '' ? key : `${path}.${key}`;
      return [
        { path: own, value: defaultOf(value, option.required?.includes(key) === true) },
        ...settingsOf(value, own),
      ];
    });
  });
}

function defaultOf(schema: JsonSchema, required: boolean): string | null {
  if (required) return 'required';
  if (schema.default === undefined) return null;
  if (schema.default === '') return 'empty';
  return typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default);
}

/** Those that have none below them. */
function commandsOf(command: Command, path: string): { name: string; options: string[] }[] {
  if (command.commands.length === 0)
    return [{ name: path, options: command.options.flatMap(({ long, hidden }) => (hidden ? [] : (long ?? []))) }];
  return command.commands.flatMap((child) => commandsOf(child, `${path} ${child.name()}`.trim()));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => relative(PROJECT_ROOT, path).startsWith('..') === false,
    () => false,
  );
}

async function anchorsOf(file: string): Promise<string[]> {
  const { sections } = await readMarkdown(file);
  return sections.map(({ heading }) => anchorOf(heading));
}

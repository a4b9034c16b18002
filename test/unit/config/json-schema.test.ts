import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import { configJsonSchema } from '../../../src/config/json-schema';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { readMarkdown } from '../../support/markdown';

const SCHEMA = 'schemas/vault-dr.schema.json';
const inProject = (path: string) => join(PROJECT_ROOT, path);

let validate: ValidateFunction;

beforeAll(async () => {
  const schema = JSON.parse(await readFile(inProject(SCHEMA), 'utf8')) as object;
  // Whether a URL is one is left to vault-dr.
  validate = new Ajv({ allErrors: true, formats: { uri: true } }).compile(schema);
});

it('is what `npm run docs:generate` writes', async () => {
  expect(JSON.parse(await readFile(inProject(SCHEMA), 'utf8'))).toEqual(configJsonSchema());
});

it('describes every setting, for the editor that shows it', () => {
  const settings = settingsOf(configJsonSchema(), '');

  expect(settings.length).toBeGreaterThan(100);
  expect(settings.filter(({ description }) => description === undefined)).toEqual([]);
});

it('fits every configuration of this project', async () => {
  const texts = await configurations();

  expect(texts.length).toBeGreaterThan(4);
  for (const { place, text } of texts) {
    validate(parse(text));
    expect({ place, errors: validate.errors }).toEqual({ place, errors: null });
  }
});

it.each([
  ['a setting that there is not', 'repositories: {}', 'repositorys: {}'],
  ['a value of another type', 'signing: { publicKeyFile: /k }', 'signing: { publicKeyFile: 3 }'],
  ['a duration that is none', 'retention: { maxAge: 90d }', 'retention: { maxAge: 90 days }'],
])('refuses %s', (_what, right, wrong) => {
  const text = `signing: { publicKeyFile: /k }
repositories: {}
clusters:
  prod:
    nodes: [{ name: vault-1, address: 'https://v:8200', clusterAddress: 'v:8201', dataDir: /d, service: { driver: process, command: [v] } }]
    auth: { method: token, token: { env: T } }
    repositories: [local]
    backup: { retention: { maxAge: 90d } }
`;

  expect(validate(parse(text))).toBe(true);
  expect(validate(parse(text.replace(right, wrong)))).toBe(false);
});

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** Everything that has a name in the file, the names that users choose aside. */
function settingsOf(schema: Schema, path: string): { path: string; description: string | undefined }[] {
  const { properties = {}, additionalProperties, items, anyOf = [], oneOf = [] } = schema;
  return [
    ...Object.entries(properties).flatMap(([key, value]) => [
      { path: `${path}.${key}`, description: value.description },
      ...settingsOf(value, `${path}.${key}`),
    ]),
    ...(typeof additionalProperties === 'object' ? settingsOf(additionalProperties, `${path}.NAME`) : []),
    ...(items ? settingsOf(items, `${path}[]`) : []),
    ...[...anyOf, ...oneOf].flatMap((option) => settingsOf(option, path)),
  ];
}

async function configurations(): Promise<{ place: string; text: string }[]> {
  const examples = await readdir(inProject('examples'));
  const found = await Promise.all(
    examples
      .filter((name) => !name.includes('.'))
      .map((name) => `examples/${name}/vault-dr.yaml`)
      .map(async (place) => ({ place, text: await readFile(inProject(place), 'utf8') })),
  );
  for (const name of await readdir(inProject('docs'), { recursive: true })) {
    if (!name.endsWith('.md')) continue;
    const { blocks } = await readMarkdown(inProject(`docs/${name}`));
    for (const { language, code } of blocks) {
      if (language === 'yaml' && /^clusters:/m.test(code)) found.push({ place: `docs/${name}`, text: code });
    }
  }
  return found;
}

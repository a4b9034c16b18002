import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { backupsCommand } from '../../src/cli/verbs/backups';
import { auditCommand, inspectCommand } from '../../src/cli/verbs/prove';
import { FORMER_SETTINGS } from '../../src/config/former-settings';
import { parseConfig } from '../../src/config/load';
import type { GenerationCopy } from '../../src/contract/generation';
import type { RecoveryReport } from '../../src/contract/recovery';
import { Invites } from '../../src/enrol/invites';
import { readClaim } from '../../src/host/run/claim';
import { unfinishedNotes } from '../../src/host/run/unfinished';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { endedRuns } from '../../src/report/ended-runs';
import { reportMarkdown } from '../../src/report/report-markdown';
import {
  type InstallationFacts,
  type InstallationName,
  keptReleases,
  type KeptSecrets,
  PLACES,
  readRelease,
  RELEASES,
  unpack,
} from '../releases/kept';
import { runVerb } from '../support/run-verb';
import { useDirectory } from '../support/temporary';

/** A JSON Schema, as far as it is asked here. */
interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

const inTest = useDirectory();

/** One that is restored needs each setting that it ever had. */
function settingsOf(schema: Schema, path = ''): string[] {
  const { properties = {}, additionalProperties: any, items, anyOf = [], oneOf = [] } = schema;
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  return [
    ...Object.entries(properties).flatMap(([name, item]) => [below(name), ...settingsOf(item, below(name))]),
    ...[...(typeof any === 'object' ? [any] : []), ...(items ? [items] : [])].flatMap((item) =>
      settingsOf(item, below('*')),
    ),
    ...[...anyOf, ...oneOf].flatMap((item) => settingsOf(item, path)),
  ];
}

const schemaAt = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Schema;

it('each release in the changelog has left what it writes', async () => {
  const changelog = await readFile(join(PROJECT_ROOT, 'CHANGELOG.md'), 'utf8');
  const released = [...changelog.matchAll(/^## \[(\d[^\]]*)\]/gm)].map(([, version]) => version);

  expect(keptReleases()).toEqual(expect.arrayContaining(released));
  expect(keptReleases().length).toBeGreaterThan(0);
});

describe.each(keptReleases())('what %s has written', (release) => {
  const names = Object.keys(readRelease(release)) as InstallationName[];
  let facts: InstallationFacts;
  let secrets: KeptSecrets;

  /** With the paths of this test, as an operator moves an installation. */
  async function install(name: InstallationName): Promise<string> {
    secrets = await unpack(release, name, inTest(name));
    facts = readRelease(release)[name]!;
    const config = parseDocument(await readFile(inTest(name, PLACES.config), 'utf8'));
    config.setIn(['signing', 'publicKeyFile'], inTest(name, PLACES.publicKey));
    config.setIn(['repositories', 'local', 'path'], inTest(name, PLACES.repository));
    config.setIn(['clusters', 'lab', 'repositories'], ['local']);
    config.deleteIn(['repositories', 'offsite']);
    config.set('stateDir', inTest(name, PLACES.controller));
    // So that the others stay for other reasons.
    config.setIn(['clusters', 'lab', 'backup', 'retention'], { last: 1, minimum: 1 });
    const file = inTest(name, PLACES.config);
    await writeFile(file, config.toString());
    return file;
  }

  it('is configuration that loads', async () => {
    const folder = join(RELEASES, release, 'configurations');
    const files = [
      ...(await readdir(folder)).map((name) => join(folder, name)),
      ...names.map((name) => join(RELEASES, release, name, PLACES.config)),
    ];

    for (const file of files) expect(parseConfig(await readFile(file, 'utf8'), file).clusters).toBeTruthy();
    expect(files.length).toBeGreaterThanOrEqual(names.length + 4);
  });

  it('is configuration of which each setting still exists, or is known as a former one', async () => {
    const now = new Set(settingsOf(await schemaAt(join(PROJECT_ROOT, 'schemas/vault-dr.schema.json'))));
    const former = FORMER_SETTINGS.map(({ path }) => path);
    const then = settingsOf(await schemaAt(join(RELEASES, release, 'vault-dr.schema.json')));

    const lost = then.filter(
      (path) => !now.has(path) && !former.some((old) => path === old || path.startsWith(`${old}.`)),
    );

    expect(lost).toEqual([]);
    expect(then).toContain('clusters.*.nodes.*.service.unit');
  });

  it.each(names)('is backups that are listed, and whole: %s', async (name) => {
    const config = await install(name);
    const run = (...args: string[]) =>
      runVerb(backupsCommand(), [...args, '--cluster', 'lab', '--config', config, '--json']);

    const listed = await run('list');
    const verified = await run('verify', 'all');

    const { copies } = JSON.parse(listed.out) as { copies: GenerationCopy[] };
    const found = copies.map(({ generation: id, manifest: { content, encryption } }) => ({
      id,
      method: content?.method ?? 'raft',
      encryption: encryption.method,
    }));
    expect(found.toReversed()).toEqual(facts.backups);
    const { results, chain, warnings } = JSON.parse(verified.out) as {
      results: { generation: string; check: string; problem: string | null }[];
      chain: unknown[];
      warnings: string[];
    };
    expect(results.map(({ generation, check, problem }) => ({ generation, check, problem })).toReversed()).toEqual(
      facts.backups.map(({ id: generation }) => ({
        generation,
        check: facts.restored.includes(generation) ? 'hashed, restored' : 'hashed',
        problem: null,
      })),
    );
    expect({ chain, warnings }).toEqual({ chain: [], warnings: [] });
    expect(verified.exitCode).toBeUndefined();
  });

  it.each(names.filter((name) => name !== 'consul'))('is snapshots that open, down to their keys: %s', async (name) => {
    await install(name);
    await writeFile(inTest('identity'), secrets.files['backup-identity.txt'] ?? '');
    const files = (await readdir(inTest(name, PLACES.repository), { recursive: true })).filter(
      (file) => /(snap|tar)[^/]*$/.test(file) && !file.includes('config-'),
    );

    for (const file of files) {
      const { out } = await runVerb(inspectCommand(), [
        inTest(name, PLACES.repository, file),
        '--identity',
        inTest('identity'),
        '--json',
      ]);
      expect(JSON.parse(out)).toMatchObject({ keys: { count: expect.any(Number) } });
    }
    expect(files).toHaveLength(facts.backups.length);
  });

  it('is marks that count, and an audit trail that fits what the repositories have of it', async () => {
    const config = await install('raft');
    const prune = ['prune', '--dry-run', '--cluster', 'lab', '--config', config, '--json'];

    const { repositories } = JSON.parse((await runVerb(backupsCommand(), prune)).out) as {
      repositories: { plan: { keep: { generation: string; why: string }[] } }[];
    };
    const audit = await runVerb(auditCommand(), ['verify', '--config', config, '--json']);

    const keptFor = (word: RegExp) =>
      repositories[0]?.plan.keep.filter(({ why }) => word.test(why)).map(({ generation }) => generation);
    expect(keptFor(/pinned/)).toEqual(facts.pinned);
    expect(keptFor(/restored/)).toEqual(facts.restored);
    const { records, problems, findings, heads } = JSON.parse(audit.out) as {
      records: number;
      problems: unknown[];
      findings: { severity: string }[];
      heads: { matching: number; problems: unknown[] };
    };
    expect({ problems, ofHeads: heads.problems }).toEqual({ problems: [], ofHeads: [] });
    expect(findings.filter(({ severity }) => severity === 'incident')).toEqual([]);
    expect(records).toBeGreaterThan(10);
    expect(heads.matching).toBeGreaterThan(0);
    expect(audit.exitCode).toBeUndefined();
  });

  it('is reports that still say what happened', async () => {
    await install('raft');
    const stateDir = inTest('raft', PLACES.controller);

    expect(endedRuns(stateDir, 'lab', [...facts.runs, 'another-run'])).toEqual(facts.runs);
    for (const run of facts.runs) {
      const report = JSON.parse(
        await readFile(join(stateDir, 'reports', 'lab', `${run}.json`), 'utf8'),
      ) as RecoveryReport;
      const page = reportMarkdown(report);
      expect(page).toContain('Restored');
      for (const node of report.nodes) expect(page).toContain(node.name);
    }
  });

  it('is hosts whose agents know to which run they belong', async () => {
    await install('raft');
    const [run] = facts.runs;
    for (const node of ['vault-1', 'vault-2', 'vault-3']) {
      const [during, after] = [inTest('raft', PLACES.hostsInProgress, node), inTest('raft', PLACES.hosts, node)];

      expect(await readClaim(during)).toMatchObject({ run: facts.inProgress, cluster: 'lab' });
      expect((await unfinishedNotes(during)).map((note) => note.run)).toEqual([facts.inProgress]);
      expect(await readClaim(after)).toMatchObject({ run, cluster: 'lab' });
      expect(await unfinishedNotes(after)).toEqual([]);
    }
  });

  it('is tokens of enrolments that are still open', async () => {
    const config = await install('raft');
    const invites = new Invites(config);

    const open = await invites.list(0);

    expect(open.map(({ node, used }) => ({ node, used }))).toEqual(facts.invited.map((node) => ({ node, used: null })));
  });
});

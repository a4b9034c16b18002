import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendRecord, verifyTrail } from '../../../src/audit/audit-trail';
import { DirectoryRepository } from '../../../src/repository/directory';
import { listGenerations, publishGeneration, verifyCopy } from '../../../src/repository/generations';
import { stageSample, signingPair } from '../../support/generation';
import { useDirectory } from '../../support/temporary';

const KEYS = signingPair();
const FLIPS_PER_FILE = 240;
const inTest = useDirectory();

/** Every class of stored object: what a generation is made of, and the audit trail. */
describe('damage to a stored object', () => {
  let repository: DirectoryRepository;
  let place: string;
  let trail: string;
  let trailHead: string | null;

  beforeEach(async () => {
    await mkdir(inTest('repository'));
    await mkdir(inTest('staging'));
    repository = new DirectoryRepository('local', inTest('repository'));
    const staged = await stageSample(inTest('staging'), KEYS, randomBytes(20_000));
    await publishGeneration(repository, staged.directory);
    place = inTest('repository', staged.manifest.cluster, staged.manifest.generation);
    trail = inTest('audit.jsonl');
    for (const id of ['a', 'b', 'c']) {
      const at = '2026-11-23T04:00:00.000Z';
      await appendRecord(trail, {
        id,
        at,
        actor: 'ana',
        action: 'backup',
        cluster: 'prod',
        run: 'r',
        outcome: 'success',
        details: {},
      });
    }
    trailHead = (await verifyTrail(trail)).head;
  });

  it('is found wherever a single bit flips', async () => {
    const undetected: string[] = [];
    let flips = 0;
    for (const file of await files()) {
      const whole = await readFile(file);
      for (let count = 0; count < FLIPS_PER_FILE; count++) {
        // Spread over the file, another bit each time.
        const at = Math.floor((count * whole.length) / FLIPS_PER_FILE);
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (count % 8));
        await writeFile(file, bytes);
        flips++;
        if (await looksWhole()) undetected.push(`${file} byte ${at}`);
      }
      await writeFile(file, whole);
    }

    expect(await looksWhole()).toBe(true);
    expect(flips).toBeGreaterThanOrEqual(1_000);
    expect(undetected).toEqual([]);
    process.stdout.write(`${flips} bit flips, ${undetected.length} undetected\n`);
  }, 180_000);

  it('is found wherever it is cut', async () => {
    const accepted: string[] = [];
    let cuts = 0;
    for (const file of await files()) {
      const whole = `${file}.whole`;
      await copyFile(file, inTest('whole'));
      const { length } = await readFile(file);
      for (const at of [0, 1, 511, 512, Math.floor(length / 2), length - 1].filter((size) => size < length)) {
        await truncate(file, at);
        cuts++;
        if (await looksWhole()) accepted.push(`${whole} at ${at}`);
        await copyFile(inTest('whole'), file);
      }
    }

    expect(await looksWhole()).toBe(true);
    expect(accepted).toEqual([]);
    process.stdout.write(`${cuts} truncations, ${accepted.length} accepted\n`);
  }, 60_000);

  async function files(): Promise<string[]> {
    return [...(await readdir(place)).map((name) => join(place, name)), trail];
  }

  /** Checked at the level `hashed`; the trail against the head that was kept elsewhere. */
  async function looksWhole(): Promise<boolean> {
    const { problems, head } = await verifyTrail(trail);
    if (problems.length > 0 || head !== trailHead) return false;
    const { copies, unreadable } = await listGenerations(repository, 'prod', KEYS.publicKeyPem);
    const [copy] = copies;
    if (unreadable.length > 0 || copies.length !== 1 || !copy) return false;
    return verifyCopy(repository, copy).then(
      () => true,
      () => false,
    );
  }
});

import { mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { incomingBytes, watchLoading } from '../../../../src/host/data/loading';
import { useDirectory } from '../../../support/temporary';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const MINUTE = 60_000;
const MIB = 1024 ** 2;

const inTest = useDirectory();
const dataDir = () => inTest('data');
const incoming = () => join(dataDir(), 'raft', 'snapshots', '3-17-1700000000000.tmp');
let now = 0;

beforeEach(async () => {
  now = 0;
  await mkdir(join(dataDir(), 'raft', 'snapshots'), { recursive: true });
});

/** As large as it says, and takes no room. */
async function file(path: string, bytes: number): Promise<void> {
  await writeFile(path, '');
  await truncate(path, bytes);
}

async function receive(bytes: number): Promise<void> {
  await mkdir(incoming(), { recursive: true });
  await file(join(incoming(), 'vault.db'), bytes);
}

function watch(): (minutes: number) => Promise<boolean> {
  const mayStillLoad = watchLoading(dataDir(), () => now);
  return (minutes) => {
    now = minutes * MINUTE;
    return mayStillLoad();
  };
}

describe('what a leader sends', () => {
  it('is seen from its first byte to its last', async () => {
    expect(await incomingBytes(inTest('nothing'))).toBeNull();
    expect(await incomingBytes(dataDir())).toBeNull();
    await receive(5 * MIB);
    expect(await incomingBytes(dataDir())).toBe(5 * MIB);
    await rename(incoming(), incoming().replace('.tmp', ''));
    expect(await incomingBytes(dataDir())).toBeNull();
  });
});

describe('a Vault that is waited for', () => {
  it('has a minute where it has nothing to load', async () => {
    const mayStillLoad = watch();

    expect(await mayStillLoad(0.9)).toBe(true);
    expect(await mayStillLoad(1.1)).toBe(false);
  });

  it('has as long as a poor disk takes to read what is there', async () => {
    await file(join(dataDir(), 'vault.db'), 10 * 1024 * MIB);
    const mayStillLoad = watch();

    expect(await mayStillLoad(20)).toBe(true);
    expect(await mayStillLoad(25)).toBe(false);
  });

  it('has some more where about as much is to come as a run has set aside', async () => {
    await writeFile(join(dataDir(), '.vault-dr-run'), `${RUN}\n`);
    await mkdir(`${dataDir()}.pre-restore-${RUN}`);
    await file(join(`${dataDir()}.pre-restore-${RUN}`, 'vault.db'), 10 * 1024 * MIB);
    const mayStillLoad = watch();

    expect(await mayStillLoad(3)).toBe(true);
    expect(await mayStillLoad(4)).toBe(false);
  });

  it('has as long as it takes while it is being sent its data, however many they are', async () => {
    const mayStillLoad = watch();

    for (let minute = 0; minute < 300; minute += 5) {
      await receive(minute * MIB);
      expect(await mayStillLoad(minute)).toBe(true);
    }
  });

  it('has a minute more where that was cut, for the leader starts again', async () => {
    const mayStillLoad = watch();
    await receive(MIB);
    await mayStillLoad(30);
    await rm(incoming(), { recursive: true });

    expect(await mayStillLoad(30.5)).toBe(true);
    expect(await mayStillLoad(31.5)).toBe(false);
  });

  it('has ten minutes where nothing more comes in, nor more than was cut before', async () => {
    const mayStillLoad = watch();
    await receive(5 * MIB);
    await mayStillLoad(0);
    await receive(0);
    await mayStillLoad(5);
    await receive(5 * MIB);

    expect(await mayStillLoad(9)).toBe(true);
    expect(await mayStillLoad(11)).toBe(false);
  });
});

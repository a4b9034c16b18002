import { type FileHandle, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { privateDirectory, readIfThere, whileFlushing, writeDurably } from '../../../src/files/files';
import { spyOnFlushes } from '../../support/flushes';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test('a private directory is private, also when it was there before and open to all', async () => {
  await mkdir(inTest('open'), { mode: 0o755 });

  await privateDirectory(inTest('open'));
  const nested = await privateDirectory(inTest(), 'a', 'b');

  expect(await modeOf(inTest('open'))).toBe(0o700);
  expect(await modeOf(nested)).toBe(0o700);
});

test('a missing file reads as null; anything else that is wrong is an error', async () => {
  await writeFile(inTest('file'), 'text');

  await expect(readIfThere(inTest('none'))).resolves.toBeNull();
  await expect(readIfThere(inTest('file'))).resolves.toBe('text');
  await expect(readIfThere(inTest('file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

describe('a file that is written durably', () => {
  const fillWith = (text: string) => (file: NodeJS.WritableStream) => pipeline(Readable.from([text]), file);

  it('is whole, only for its owner, and on the disk when the call returns', async () => {
    const flushes = await spyOnFlushes();
    const sizes: number[] = [];
    flushes.mockImplementation(async function (this: FileHandle) {
      sizes.push((await this.stat()).size);
    });

    await writeDurably(inTest('file'), fillWith('text'), () => undefined);
    flushes.mockRestore();

    expect(await readFile(inTest('file'), 'utf8')).toBe('text');
    expect(await modeOf(inTest('file'))).toBe(0o600);
    expect(sizes).toEqual([4]);
  });

  it('replaces none, and fails as what fills it does', async () => {
    const broken = () => Promise.reject(new Error('broken off'));
    await writeFile(inTest('file'), 'old');

    await expect(writeDurably(inTest('file'), fillWith('new'), () => undefined)).rejects.toMatchObject({
      code: 'EEXIST',
    });
    await expect(writeDurably(inTest('other'), broken, () => undefined)).rejects.toThrow('broken off');
    expect(await readFile(inTest('file'), 'utf8')).toBe('old');
  });
});

describe('a flush', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is reported every few seconds, as long as it lasts', async () => {
    const report = jest.fn();
    const flushing = whileFlushing(report, () => new Promise((resolve) => setTimeout(resolve, 60_000)));

    await jest.advanceTimersByTimeAsync(60_000);
    await flushing;
    const reported = report.mock.calls.length;
    await jest.advanceTimersByTimeAsync(60_000);

    expect(reported).toBeGreaterThan(60 / 5);
    expect(report).toHaveBeenCalledTimes(reported);
  });

  it('is no longer reported when the disk hangs', async () => {
    const report = jest.fn();
    void whileFlushing(report, () => new Promise(() => undefined));
    await jest.advanceTimersByTimeAsync(15 * 60_000);
    report.mockClear();

    await jest.advanceTimersByTimeAsync(15 * 60_000);

    expect(report).not.toHaveBeenCalled();
  });
});

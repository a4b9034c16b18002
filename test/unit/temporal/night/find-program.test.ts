import { mkdir, writeFile } from 'node:fs/promises';
import { findTemporal } from '../../../../src/temporal/night/find-program';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

it("finds Temporal's CLI by its name, or in the PATH, and says how to get it", async () => {
  await mkdir(inTest('empty'));
  await mkdir(inTest('bin/temporal'), { recursive: true });
  await mkdir(inTest('usr'));
  await writeFile(inTest('usr/temporal'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(inTest('plain'), '', { mode: 0o644 });
  const path = [inTest('empty'), inTest('bin'), '', inTest('usr')].join(':');

  expect(await findTemporal(undefined, path)).toBe(inTest('usr/temporal'));
  expect(await findTemporal(inTest('usr/temporal'), '')).toBe(inTest('usr/temporal'));
  await expect(findTemporal(undefined, inTest('empty'))).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    advice: expect.stringMatching(/--temporal or VAULT_DR_TEMPORAL/),
  });
  await expect(findTemporal(inTest('plain'), path)).rejects.toThrow(`${inTest('plain')} is not an executable program`);
});

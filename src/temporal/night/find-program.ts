import { delimiter, isAbsolute, join } from 'node:path';
import { DrError } from '../../contract/failures';
import { isProgram } from '../../files/files';

/** The variable that names the `temporal` program. */
export const PROGRAM_VARIABLE = 'VAULT_DR_TEMPORAL';

const ADVICE = `Install Temporal's CLI (https://docs.temporal.io/cli), a single file; or set its path with --temporal or ${PROGRAM_VARIABLE}.`;

/**
 * Finds Temporal's CLI: the configured one, or the first in the PATH.
 * @throws DrError InvalidConfiguration
 */
export async function findTemporal(named: string | undefined, path = process.env['PATH'] ?? ''): Promise<string> {
  if (named !== undefined) {
    if (await isProgram(named)) return named;
    throw new DrError('InvalidConfiguration', `${named} is not an executable program.`, { advice: ADVICE });
  }
  for (const directory of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(directory, 'temporal');
    if (await isProgram(candidate)) return candidate;
  }
  throw new DrError('InvalidConfiguration', "Temporal's CLI, `temporal`, is not in the PATH.", { advice: ADVICE });
}

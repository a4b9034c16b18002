import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The real `age`: of the PATH, or built once into the cache. */
export async function ageProgram(): Promise<string> {
  if (await answers('age')) return 'age';
  const bin = join(process.env['VAULT_DR_CACHE'] ?? join(homedir(), '.cache', 'vault-dr'), 'bin');
  const program = join(bin, 'age');
  if (
    await access(program).then(
      () => true,
      () => false,
    )
  )
    return program;
  await mkdir(bin, { recursive: true });
  await run('go', ['install', 'filippo.io/age/cmd/age@v1.2.1'], { env: { ...process.env, GOBIN: bin } });
  return program;
}

async function answers(program: string): Promise<boolean> {
  return run(program, ['--version']).then(
    () => true,
    () => false,
  );
}

// What it takes until a command of the CLI does its work.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuOf, serverProgram } from '../peers.mjs';
import { writeSample } from '../sample.mjs';

const require = createRequire(import.meta.url);
const PEAK = fileURLToPath(new URL('../peak-memory.cjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export const usesLab = false;

export async function measure({ runs }) {
  const directory = mkdtempSync(join(tmpdir(), 'vault-dr-bench-'));
  try {
    const config = writeSample(directory, require);
    // As far as the profile, which is not there: what is loaded is what the command works with.
    const temporal = ['--cluster', 'prod', '--temporal-config', join(directory, 'none.toml')];
    const vault = serverProgram('vault');
    const help = vault && { name: 'vault --help', values: cpuOf([vault, '--help'], runs) };
    const commands = [
      ['--help', 0.15, help, ['--help']],
      ['--version', 0.15, null, ['--version']],
      ['completion bash', 0.15, null, ['completion', 'bash']],
      ['backups list', 0.4, null, ['backups', 'list', '--cluster', 'prod', '--config', config]],
      ['status', 0.5, null, ['status', ...temporal]],
      ['unseal', 0.5, null, ['unseal', '--config', config, ...temporal]],
    ];
    const node = {
      figure: 'cold start of Node alone',
      unit: 'CPU s',
      values: cpuOf([process.execPath, '-e', '0'], runs),
    };
    return [
      node,
      ...commands.flatMap(([name, target, peer, args]) => rowsOf(name, target, peer, args, directory, runs)),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function rowsOf(name, target, peer, args, directory, runs) {
  const { peakMiB, modules } = weight(args, directory);
  return [
    {
      figure: `cold start of ${name}`,
      unit: 'CPU s',
      target,
      values: cpuOf([process.execPath, MAIN, ...args], runs),
      peer,
    },
    { figure: `modules of ${name}`, unit: 'files', values: [modules] },
    { figure: `memory of ${name}`, unit: 'MiB', values: [peakMiB] },
  ];
}

function weight(args, directory) {
  const file = join(directory, 'peak.json');
  try {
    const env = { ...process.env, BENCH_PEAK: file };
    execFileSync(process.execPath, ['--require', PEAK, MAIN, ...args], { env, stdio: 'ignore' });
  } catch (error) {
    // Those that want Temporal end with 3.
    if (error.status !== 3) throw error;
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

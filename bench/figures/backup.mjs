// A backup of --size into a directory and S3, taking turns with the script of a shell.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measured, peer, serverProgram } from '../peers.mjs';
import { cpuSeconds, fill, forgetPeak, json, MIB, resident, sizeText } from '../shared.mjs';

const require = createRequire(import.meta.url);

export const usesLab = true;

export async function measure({ lab, size, runs, say }) {
  const { leaderOf } = require('../../dist/test/support/lab-view.js');
  const { ageProgram } = require('../../dist/test/support/age-program.js');
  const { recipientsOf } = require('../../dist/src/crypto/age.js');
  const leader = await leaderOf(lab);
  await fill(lab, leader, size);
  const [recipient] = await recipientsOf(readFileSync(lab.backupIdentityFile, 'utf8'));
  const { address, caFile } = lab.nodes.find(({ name }) => name === leader);
  const env = {
    ...process.env,
    VAULT_ADDR: address,
    VAULT_TOKEN: lab.rootToken,
    ...(caFile === undefined ? { VAULT_SKIP_VERIFY: 'true' } : { VAULT_CACERT: caFile }),
    S3_KEY: lab.s3.credentials.accessKeyId,
    S3_SECRET: lab.s3.credentials.secretAccessKey,
  };
  const directory = mkdtempSync(join(tmpdir(), 'vault-dr-bench-'));
  const script = [
    peer('backup.sh'),
    serverProgram('vault'),
    await ageProgram(),
    recipient,
    directory,
    `${lab.s3.endpoint}/${lab.s3.bucket}`,
  ];
  const own = [];
  const shell = [];
  try {
    for (let run = 0; run < runs; run++) {
      own.push(await ownBackup(lab));
      shell.push(measured(script, env, true));
      say(`backup ${run + 1}: ${own.at(-1).seconds.toFixed(1)} s, the shell's ${shell.at(-1).seconds.toFixed(1)} s`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  const name = 'save, sha256sum, age, cp, PUT';
  const what = `backup of ${sizeText(size)}`;
  const peerOf = (field) => ({ name, values: shell.map((item) => item[field]) });
  return [
    { figure: what, unit: 's', values: own.map(({ seconds }) => seconds), peer: peerOf('seconds') },
    {
      figure: `${what}, all processes of either`,
      unit: 'CPU s',
      values: own.map(({ cpu }) => cpu),
      peer: peerOf('cpu'),
    },
    { figure: `${what}, stored`, unit: 'MiB', values: own.map(({ stored }) => stored) },
    { figure: `${what}, peak of the controller`, unit: 'MiB', target: 180, values: own.map(({ peak }) => peak) },
  ];
}

/** CPU of the controller and its agents; the command itself only follows. */
async function ownBackup(lab) {
  const processes = [lab.controller, ...Object.values(lab.agents)];
  const used = () => processes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  forgetPeak(lab.controller.pid);
  const before = used();
  const { startedAt, finishedAt, sizeBytes } = await timedBackup(lab);
  const peak = resident(lab.controller.pid, 'VmHWM');
  return { seconds: (finishedAt - startedAt) / 1_000, cpu: used() - before, stored: sizeBytes / MIB, peak };
}

async function timedBackup(lab) {
  const startedAt = Date.now();
  const { sizeBytes } = await json(lab, ['backup', '--cluster', 'lab']);
  return { startedAt, finishedAt: Date.now(), sizeBytes };
}

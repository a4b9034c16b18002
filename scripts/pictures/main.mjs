// Pictures of a real restore for README and docs: a recording of terminals, and Temporal's Web UI while it waits for shares.
// Needs tmux and chromium. What comes out differs from run to run, so it is looked at before it is committed.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../sources.mjs';
import { recordingOf } from './recording.mjs';
import { openTerminal } from './terminal.mjs';
import { terminalSvg } from './terminal-svg.mjs';
import { shootWebUi } from './web-ui.mjs';

const ASSETS = join(ROOT, 'docs/assets');
const { startLab } = createRequire(import.meta.url)(join(ROOT, 'dist/src/lab/lab.js'));

const COLUMNS = 112;
const OPERATOR = { title: 'ana restores the cluster', columns: COLUMNS, rows: 34 };
const OTHERS = { title: 'bob approves; carol, dave and eve unseal', columns: COLUMNS, rows: 6 };
const HOLDERS = ['carol', 'dave', 'eve'];

/** A name that says nothing of the machine: the plan shows it. */
const lab = await startLab({ directory: join(tmpdir(), 'lab') });
const programs = join(lab.directory, 'bin');
const terminals = [];
try {
  mkdirSync(programs);
  symlinkSync(join(ROOT, 'bin/vault-dr.js'), join(programs, 'vault-dr'));
  await lab.writeSecrets(200);
  await expectSuccess(lab.cli(['backup', '--cluster', 'lab']));
  await lab.destroyDataDirectories();

  const [operator, others] = [await open('operator', OPERATOR), await open('others', OTHERS)];
  await sleep(500);
  const recording = recordingOf([operator, others]);
  await operator.type('vault-dr restore --cluster lab --as ana');
  const { planHash } = await waitFor('approval');
  await sleep(2_500);
  await others.type(`vault-dr approve --cluster lab --as bob --plan ${planHash.slice(0, 12)}`);
  await waitFor('shares');
  let picture;
  for (const [index, holder] of HOLDERS.entries()) {
    await others.clear();
    await others.type(`vault-dr unseal --cluster lab --as ${holder}`);
    await others.until(/Your unseal share:/);
    await sleep(500);
    await others.type(lab.unsealShares[index]);
    await others.until(/Accepted/);
    await sleep(1_000);
    if (index === 0) {
      picture = shootWebUi(lab.temporal.uiUrl, 'waits for key holders', join(ASSETS, 'web-ui.png'));
      // It is awaited further down.
      picture.catch(() => undefined);
    }
  }
  await picture;
  await operator.until(/Restored in/);
  await sleep(500);
  mkdirSync(ASSETS, { recursive: true });
  const label =
    'One person restores the cluster; another approves the plan, and three key holders submit their unseal shares';
  writeFileSync(join(ASSETS, 'restore.svg'), terminalSvg([OPERATOR, OTHERS], recording.end(), { label }));
} finally {
  await Promise.all(terminals.map((terminal) => terminal.close()));
  await lab.stop();
}

async function open(name, { columns, rows }) {
  const env = { ...lab.env, PS1: '$ ', TERM: 'xterm-256color', PATH: `${programs}:${process.env['PATH']}` };
  const socket = join(lab.directory, `${name}.tmux`);
  const terminal = await openTerminal({ socket, columns, rows, env });
  terminals.push(terminal);
  return terminal;
}

async function waitFor(wanted) {
  for (let tries = 0; tries < 600; tries++) {
    const { code, stdout } = await lab.cli(['status', '--cluster', 'lab', '--json']);
    const progress = code === 0 ? JSON.parse(stdout) : null;
    if (progress?.waitingFor === wanted) return progress;
    await sleep(200);
  }
  throw new Error(`The restore has not come to wait for ${wanted}.`);
}

async function expectSuccess(running) {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
}

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../src/config/load';
import type { Lab } from '../../src/lab/lab';
import { type LabProcess, waitFor } from '../../src/lab/processes';
import { createController } from '../../src/lab/product-processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { LAB_VARIABLE } from '../../src/lab/sweep';
import { isOverSsh, type NodeOverSsh } from '../../src/ssh/command';
import { sealStatus } from './lab-view';
import { createSshServer, type SshServer } from './ssh-server';

/** A lab whose nodes have no agents any more: a controller serves them over a real sshd and sudo. */
export interface SshLab {
  /** Of the controller and of the hosts. */
  configFile: string;
  knownHostsFile: string;
  /** Which nodes the rules of sudo name; those of a host, but all are in one file here. */
  allow(nodes: readonly string[]): Promise<void>;
  /** Process ids of the connections of the controller that do a step just now. */
  connections(): Promise<number[]>;
  stop(): Promise<void>;
}

export async function serveOverSsh(lab: Lab): Promise<SshLab> {
  await lab.controller.stop();
  await Promise.all(Object.values(lab.agents).map((agent) => agent.stop()));
  const directory = join(lab.directory, 'ssh');
  const server = await createSshServer(directory, { ...lab.env });
  const configFile = join(directory, 'vault-dr.yaml');
  const nodes = await writeConfig(lab, configFile, server, await writeProgram(lab, join(directory, 'vault-dr')));
  await server.start(lab.name, nodes);
  const controller: LabProcess = createController(
    { directory: lab.directory, configFile },
    { ...lab.env },
    'controller-ssh',
  );
  await controller.start();
  await moveVaults(lab, nodes, server);
  return {
    configFile,
    knownHostsFile: server.knownHostsFile,
    allow: (names) =>
      server.allow(
        lab.name,
        nodes.filter(({ name }) => names.includes(name)),
      ),
    connections: () => childrenOf(controller.pid, 'ssh'),
    async stop() {
      await controller.stop();
      await server.stop();
    },
  };
}

/** The driver `process` has let them run on, as processes of another host. */
async function moveVaults(lab: Lab, nodes: readonly NodeOverSsh[], server: SshServer): Promise<void> {
  await Promise.all(nodes.map(({ name }) => lab.killVault(name)));
  for (const { service } of nodes) if (service?.driver === 'command') await server.run(service.start);
  for (const { name } of nodes) {
    await waitFor(`${name} answers`, async () => (await sealStatus(lab, name)).initialized, { timeoutMs: 60_000 });
    for (const key of lab.unsealShares.slice(0, 3)) await lab.vault(name, 'POST', 'sys/unseal', { body: { key } });
  }
  await waitFor('Vault serves', () => lab.writeSecrets(1), { timeoutMs: 60_000 });
}

/** By the variable the lab finds its processes, and sudo hands none on. */
async function writeProgram(lab: Lab, file: string): Promise<string> {
  const main = join(PROJECT_ROOT, 'dist/src/cli/main.js');
  const text = `#!/bin/sh\nexec env ${LAB_VARIABLE}=${lab.id} ${process.execPath} ${main} "$@"\n`;
  await writeFile(file, text, { mode: 0o755 });
  return file;
}

async function writeConfig(lab: Lab, configFile: string, server: SshServer, program: string): Promise<NodeOverSsh[]> {
  const config = parse(await readFile(lab.configFile, 'utf8')) as {
    clusters: Record<string, { nodes: Record<string, unknown>[] }>;
  };
  const script = join(PROJECT_ROOT, 'test/support/vault-service.sh');
  for (const node of config.clusters[lab.name]?.nodes ?? []) {
    const { command, logFile } = node['service'] as { command: string[]; logFile: string };
    const words = [command[0] ?? '', (command[2] ?? '').replace('-config=', ''), logFile];
    const act = (verb: string) => ['env', `${LAB_VARIABLE}=${lab.id}`, 'sh', script, verb, ...words];
    node['service'] = { driver: 'command', start: act('start'), stop: act('stop'), status: act('status') };
    node['ssh'] = { ...server.settings(String(node['name'])), program, configFile };
  }
  const text = stringify(config);
  await writeFile(configFile, text, { mode: 0o600 });
  return parseConfig(text, configFile).clusters[lab.name]?.nodes.filter((node) => isOverSsh(node)) ?? [];
}

async function childrenOf(parent: number | undefined, program: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const [, name, rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
      return name === program && Number(rest.split(' ')[1]) === parent ? [pid] : [];
    }),
  );
  return found.flat();
}

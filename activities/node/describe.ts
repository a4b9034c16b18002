import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { serviceEnvironment } from '../../src/child-environment';
import type { HostedNode } from '../../src/config/schema';
import type { NodeReport, ServiceCheck } from '../../src/contract/host';
import type { SealStatus } from '../../src/vault/answers';
import { describeDataDirectory } from '../../src/host/data/data-directory';
import { privateDirectory } from '../../src/files/files';
import type { ServiceDriver } from '../../src/host/service/service-driver';
import { placeProblem, setAsideProblem } from '../../src/host/data/rights';
import { readInstallNote } from '../../src/host/data/install-note';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import { checkSealAccess, UNCHECKED } from '../../src/vault/config/seal-check';
import { serverFacts } from '../../src/host/config/server-facts';
import { checkReach } from '../../src/vault/reach/check-reach';
import type { Product } from '../../src/contract/product';
import { readServer } from '../../src/host/service/read-server';
import { VERSION } from '../../src/version';
import type { NodeHost } from './context';
import { describeMigration } from './migrate';
import { unreadableDirectories } from './unreadable';

/** A hanging Vault accepts connections and never answers; it must not delay the report. */
const VAULT_TIMEOUT_MS = 5_000;

/** Inspects the host and changes nothing. */
export async function describeNode(host: NodeHost): Promise<NodeReport> {
  const { node, driver } = host;
  const reading = readServer(host);
  const [
    stagingFreeBytes,
    service,
    serviceCheck,
    notAside,
    dataDir,
    install,
    storage,
    server,
    config,
    seal,
    { tried, product },
    migration,
    unreadable,
  ] = await Promise.all([
    privateDirectory(node.stateDir).then(freeBytes),
    driver.status(),
    checkService(host),
    whyNotAside(node),
    describeDataDirectory(node.dataDir),
    readInstallNote(node.dataDir),
    inspectStorage(node.dataDir),
    reading.then((read) => read.server),
    reading.then((read) => read.server && serverFacts(read.server, read.start, node, host.deps.cluster.nodes)),
    reading.then((read) => (read.server ? checkSealAccess(read.server, environmentOf(host)) : UNCHECKED)),
    askVault(host),
    describeMigration(host),
    unreadableDirectories(host.deps.config),
  ]);
  const temp = node.service.driver === 'process' ? (node.service.env['TMPDIR'] ?? node.tempDir) : node.tempDir;
  return {
    node: node.name,
    agentVersion: VERSION,
    host: hostname(),
    service,
    ...(serviceCheck ? { serviceCheck } : {}),
    setAsideProblem: notAside,
    vault: await withProgram(stateOf(tried), product, driver),
    dataDir,
    install,
    ...storage,
    config,
    reach: await checkReach({ cluster: host.deps.cluster, node, server, service, tried }),
    ...(migration ? { migration } : {}),
    seal,
    unreadable,
    certificates: host.deps.connectionValidity?.() ?? [],
    clock: new Date().toISOString(),
    stagingFreeBytes,
    temp: { path: temp, freeBytes: await freeBytes(temp) },
  };
}

async function whyNotAside({ dataDir, stateDir, runtimeDir }: HostedNode): Promise<string | null> {
  return (await setAsideProblem(dataDir)) ?? placeProblem(dataDir, [stateDir, runtimeDir]);
}

/** What can't be checked is not a problem. */
async function checkService({ driver }: NodeHost): Promise<ServiceCheck | undefined> {
  return driver.check?.().catch((error: Error) => ({
    unit: null,
    missingCommands: [],
    unchecked: [`whether its service can be stopped and started (${error.message})`],
  }));
}

/** Vault's environment, as far as it is known: what a service manager sets can't be seen from here. */
function environmentOf({ node: { service } }: NodeHost): NodeJS.ProcessEnv | null {
  return service.driver === 'process' ? serviceEnvironment(service.env) : null;
}

async function inspectStorage(dataDir: string): Promise<Pick<NodeReport, 'storage' | 'storageProblem'>> {
  try {
    return { storage: await readRaftStorage(dataDir), storageProblem: null };
  } catch (error) {
    return { storage: null, storageProblem: (error as Error).message };
  }
}

/** Adds what a stopped server, or a listener that redacts it, does not say. */
async function withProgram(
  vault: NodeReport['vault'],
  answered: Product | null,
  driver: ServiceDriver,
): Promise<NodeReport['vault']> {
  if (vault.version !== null && answered !== null) return { ...vault, product: answered };
  const program = (await driver.version?.()) ?? null;
  return {
    ...vault,
    version: vault.version ?? program?.version ?? null,
    product: answered ?? program?.product ?? null,
  };
}

/** Null if the product is unknown. */
interface Asked {
  tried: SealStatus | Error;
  product: Product | null;
}

async function askVault(host: NodeHost): Promise<Asked> {
  const asking = host.withVault(
    async (client): Promise<Asked> => {
      const [tried, product] = await Promise.all([
        client.sealStatus().catch((error: Error) => error),
        client.health().then(
          (health) => health.product,
          () => null,
        ),
      ]);
      return { tried, product };
    },
    { timeoutMs: VAULT_TIMEOUT_MS },
  );
  return asking.catch((error: Error) => ({ tried: error, product: null }));
}

function stateOf(answer: SealStatus | Error): NodeReport['vault'] {
  if (answer instanceof Error) {
    return { reachable: false, initialized: null, sealed: null, version: null, sealType: null, clusterId: null };
  }
  const { initialized, sealed, version, type, clusterId } = answer;
  return {
    reachable: true,
    initialized,
    sealed,
    version: version ?? null,
    sealType: type,
    clusterId: clusterId ?? null,
  };
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

import { readFile } from 'node:fs/promises';
import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { ClusterConfig, NodeConfig } from '../../config/schema';
import { hostOf } from '../../contract/addresses';
import { type DrError, isDrError } from '../../contract/failures';
import type { VaultReach } from '../../contract/host';
import type { SealStatus } from '../answers';
import type { VaultClient, VaultClientOptions } from '../client';
import type { ServerConfig } from '../config/vault-config';
import { caPemOf, clientCertificateOf, connectLocally, connectToNode } from '../connect-node';
import { isWrongPeer } from '../errors/vault-error';
import { certificatesIn, isIssuedBy, names, namesOf, validityProblem } from './certificate';
import { evaluateReach, type ReachVerdict } from './evaluate-reach';
import type { Listener } from './listener';
import { localAddressOf } from './local-address';

export interface ReachQuestion {
  cluster: ClusterConfig;
  node: NodeConfig;
  /** Vault's own configuration; null when it is not known. */
  server: ServerConfig | null;
  service: 'running' | 'stopped';
  /** Outcome of asking the local address for its seal status. */
  tried: SealStatus | Error;
}

/** For all requests made here: the step has 15 seconds, of which the first request may take 5. */
const TIMEOUT_MS = 4_000;

/**
 * Whether the agent of a node reaches its Vault: decided by a request, and if that gets no answer, by Vault's own
 * listeners.
 */
export async function checkReach(question: ReachQuestion): Promise<VaultReach> {
  const { cluster, node, server, service, tried } = question;
  const listeners = server?.listeners ?? null;
  const local = localAddressOf(node, listeners);
  const verdict = evaluateReach({
    local,
    listeners,
    incomplete: (server?.facts.problems.length ?? 0) > 0,
    hasClientCertificate: (node.tls ?? cluster.tls)?.certificateFile !== undefined,
  });
  const reach = (problem: string | null, unchecked: string | null = null) => ({
    address: local.address,
    problem,
    unchecked,
  });
  const answered = !(tried instanceof Error);
  if (service === 'stopped' && (answered || isWrongPeer(tried))) {
    return reach(
      `something listens on ${local.address}, although the service of this node is stopped: find it (\`ss -ltnp\`) and stop it, or correct \`localAddress\``,
    );
  }
  if (answered) {
    const other = await otherVaultAt(question, local.address);
    if (other !== null) return reach(other);
    // Includes what Vault will read at its next start.
    return reach(verdict.kind === 'refused' ? `it answers now, but not after a restart: ${verdict.why}` : null);
  }
  if (isWrongPeer(tried)) return reach(wrongPeer(tried as DrError, local.address, verdict));
  // Our own files: without them no request can be made.
  if (isDrError(tried) && tried.code === 'InvalidConfiguration')
    return reach(`${tried.message} ${tried.advice ?? ''}`.trim());
  switch (verdict.kind) {
    case 'refused':
      return reach(verdict.why);
    case 'reachable':
      return { address: local.address, ...(await checkCertificates(question, verdict.listener)) };
    case 'unchecked':
      break;
  }
  if (
    service === 'running' &&
    (await sealStatusAt(connectToNode(cluster, node, { signal: AbortSignal.timeout(TIMEOUT_MS) }))) !== null
  ) {
    return reach(
      `its agent gets no answer from ${local.address}, but does from ${node.address}: set \`localAddress: ${new URL(node.address).origin}\` for this node`,
    );
  }
  return reach(null, verdict.why);
}

/** The error as it occurred, with the line of the configuration that explains it. */
function wrongPeer({ message, advice }: DrError, address: string, verdict: ReachVerdict): string {
  const met = `its agent gets no answer from ${address}: ${message}`;
  if (verdict.kind === 'refused') return `${met.replace(/\.$/, '')}; ${verdict.why}`;
  return `${met} ${advice ?? 'Correct `localAddress` of this node.'}`;
}

/**
 * @returns why the local address and `address` lead to different servers; null if they lead to the same one, or if that
 * is unknown.
 */
async function otherVaultAt({ cluster, node, server }: ReachQuestion, local: string): Promise<string | null> {
  if (local === new URL(node.address).origin) return null;
  const options: VaultClientOptions = { signal: AbortSignal.timeout(TIMEOUT_MS) };
  // A Vault that is unsealed or elected between the two requests would look like two servers.
  for (let round = 0; round < 2; round++) {
    const [here, there] = await Promise.all([
      identityAt(connectLocally(cluster, node, options, server)),
      identityAt(connectToNode(cluster, node, options)),
    ]);
    if (here === null || there === null || here === there) return null;
  }
  return `its agent uses ${local}, where another Vault answers than at ${node.address}: correct \`localAddress\` of this node, or \`address\``;
}

async function identityAt(connecting: Promise<VaultClient>): Promise<string | null> {
  return asking(connecting, async (vault) => {
    const { initialized, sealed, clusterId } = await vault.sealStatus();
    const leads = sealed ? null : (await vault.leader()).isSelf;
    return JSON.stringify([initialized, sealed, clusterId ?? null, leads]);
  });
}

function sealStatusAt(connecting: Promise<VaultClient>): Promise<SealStatus | null> {
  return asking(connecting, (vault) => vault.sealStatus());
}

async function asking<T>(connecting: Promise<VaultClient>, ask: (vault: VaultClient) => Promise<T>): Promise<T | null> {
  try {
    const vault = await connecting;
    try {
      return await ask(vault);
    } finally {
      await vault.close();
    }
  } catch (error) {
    if (isDrError(error)) return null;
    throw error;
  }
}

type Checked = Pick<VaultReach, 'problem' | 'unchecked'>;

/** For a listener that does not answer: the certificate that it will present, and the one it will be presented with. */
async function checkCertificates(question: ReachQuestion, listener: Listener): Promise<Checked> {
  if (listener.tlsDisabled) return { problem: null, unchecked: null };
  const now = new Date();
  const found = [await serverCertificate(question, listener, now), await clientCertificate(question, listener, now)];
  const unchecked = found.flatMap((item) => item.unchecked ?? []);
  return {
    problem: found.find(({ problem }) => problem !== null)?.problem ?? null,
    unchecked: unchecked.length === 0 ? null : unchecked.join('; '),
  };
}

async function serverCertificate(
  { cluster, node }: ReachQuestion,
  { certificateFile }: Listener,
  now: Date,
): Promise<Checked> {
  if (certificateFile === null) return { problem: null, unchecked: null };
  const host = hostOf(new URL(node.address));
  const pem = await readOrNull(certificateFile);
  const chain = certificatesIn(pem ?? '');
  const [leaf] = chain;
  if (!leaf) return { problem: null, unchecked: `whether ${certificateFile} is a certificate for ${host}` };
  const invalid = validityProblem(leaf, now);
  if (invalid !== null) return problem(`the certificate of its listener, ${certificateFile}, ${invalid}: renew it`);
  if (!names(leaf, host)) {
    return problem(
      `the certificate of its listener, ${certificateFile}, names ${namesOf(leaf)}, but not ${host}, the host in \`address\`: correct one of them`,
    );
  }
  const caPem = await caPemOf(cluster);
  if (caPem !== undefined && !isIssuedBy(chain, certificatesIn(caPem))) {
    return problem(
      `the certificate of its listener, ${certificateFile}, was not issued by a CA in tls.caFile: add its CA there`,
    );
  }
  return { problem: null, unchecked: null };
}

async function clientCertificate(
  { cluster, node }: ReachQuestion,
  { demandsCertificate, clientCaFile }: Listener,
  now: Date,
): Promise<Checked> {
  if (!demandsCertificate) return { problem: null, unchecked: null };
  try {
    const own = await clientCertificateOf(cluster, node);
    const chain = certificatesIn(own?.certificatePem ?? '');
    const [leaf] = chain;
    if (!own || !leaf) return problem('tls.certificateFile contains no client certificate');
    const invalid = validityProblem(leaf, now);
    if (invalid !== null) return problem(`the client certificate of tls.certificateFile ${invalid}: renew it`);
    if (!belongs(leaf, own.keyPem)) return problem('tls.key is not the key of the certificate in tls.certificateFile');
    const authorities = clientCaFile === null ? null : await readOrNull(clientCaFile);
    if (authorities === null)
      return { problem: null, unchecked: 'whether its listener accepts the configured client certificate' };
    if (isIssuedBy(chain, certificatesIn(authorities))) return { problem: null, unchecked: null };
    return problem(
      `its listener accepts only client certificates issued by ${clientCaFile} (tls_client_ca_file), and the one in tls.certificateFile was not`,
    );
  } catch (error) {
    if (isDrError(error)) return problem(error.message);
    throw error;
  }
}

function belongs(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function problem(text: string): Checked {
  return { problem: text, unchecked: null };
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return null;
  }
}

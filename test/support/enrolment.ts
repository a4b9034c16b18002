import { Client, Connection } from '@temporalio/client';
import { agentPublicKey, generateAgentKey } from '../../src/crypto/agent-key';
import type { OfferBody } from '../../src/enrol/offer';
import { hashOf, sealAnswer, sealOffer } from '../../src/enrol/sealed';
import { createToken, expiryIn } from '../../src/enrol/token';
import type { Lab } from '../../src/lab/lab';
import { EnrolmentMailbox } from '../../src/temporal/enrolment';

/** Both hosts of an enrolment, from the offer to the end. test/e2e/enrol.test.ts goes the whole way, with the programs. */
export async function enrol(lab: Lab, scope: { cluster: string; node: string; id: string }): Promise<void> {
  const { cluster, node } = scope;
  const connection = await Connection.connect({
    address: lab.temporal.address,
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  try {
    const client = new Client({ connection });
    const mailbox = new EnrolmentMailbox(client, scope);
    const { keys } = createToken({ cluster, node, expires: expiryIn(60) });
    const key = generateAgentKey();
    const offer = sealOffer(offerOf(cluster, node, key), keys, key);
    await mailbox.send(offer);
    await mailbox.until(
      ({ open }) => open || null,
      Date.now() + 60_000,
      () => undefined,
    );
    const answer = { cluster, node, agentPublicKey: agentPublicKey(key), offer: hashOf(offer), config: {} };
    await mailbox.answer(sealAnswer({ ...answer, signingPublicKey: '', vaultCa: null }, keys));
    await mailbox.taken();
    await client.workflow.getHandle(mailbox.workflowId).result();
  } finally {
    await connection.close();
  }
}

function offerOf(cluster: string, node: string, key: string): OfferBody {
  const parts = {
    agentPublicKey: agentPublicKey(key),
    dataDir: '/opt/vault/data',
    configFiles: ['/etc/vault.d'],
    service: { driver: 'systemd', unit: 'vault' },
    stateDir: '/var/lib/vault-dr',
    runtimeDir: '/run/vault-dr',
  };
  const seen = {
    host: node,
    version: '0.1.0',
    server: '1.21.1',
    unit: 'vault.service',
    owner: 'vault',
    mode: '700',
    freeBytes: 1024 ** 3,
    listeners: ['https://127.0.0.1:8200'],
    clusterAddress: '127.0.0.1:8201',
    nodeId: node,
    user: 'root',
    problems: [],
  };
  return { cluster, node, parts, seen, at: new Date().toISOString() };
}

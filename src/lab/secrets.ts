import { randomBytes } from 'node:crypto';
import { DrError } from '../contract/failures';
import type { LabNode } from './layout';
import { succeeded, type VaultApi } from './vault-api';

/** A secret whose return can be checked. */
export interface SampleSecret {
  path: string;
  value: string;
}

const AT_ONCE = 8;

/** Writes secrets with random values below `secret/lab/`; no two calls write the same path. */
export async function writeSecrets(
  api: VaultApi,
  nodes: LabNode[],
  token: string,
  count: number,
): Promise<SampleSecret[]> {
  const node = await servingNode(api, nodes);
  const batch = randomBytes(4).toString('hex');
  const secrets = Array.from({ length: count }, (_, index) => ({
    path: `lab/${batch}/${index}`,
    value: randomBytes(16).toString('hex'),
  }));
  const queue = secrets.values();
  const work = async () => {
    for (const { path, value } of queue) {
      const answer = await api(node.address, 'POST', `secret/data/${path}`, { token, body: { data: { value } } });
      succeeded(answer, `write ${path} through ${node.name}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return secrets;
}

/** The value of a sample secret; null when there is no such secret. */
export async function readSecret(api: VaultApi, nodes: LabNode[], token: string, path: string): Promise<string | null> {
  const node = await servingNode(api, nodes);
  const answer = await api(node.address, 'GET', `secret/data/${path}`, { token });
  if (answer.status === 404) return null;
  const body = succeeded(answer, `read ${path} through ${node.name}`) as { data: { data: { value: string } } };
  return body.data.data.value;
}

async function servingNode(api: VaultApi, nodes: LabNode[]): Promise<LabNode> {
  for (const node of nodes) {
    const answer = await api(node.address, 'GET', 'sys/health?standbyok=true').catch(() => undefined);
    if (answer?.status === 200) return node;
  }
  throw new DrError(
    'VaultUnavailable',
    `None of ${nodes.map((node) => node.name).join(', ')} is running and unsealed.`,
  );
}

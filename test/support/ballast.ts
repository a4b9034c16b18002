import { randomBytes } from 'node:crypto';
import type { Lab } from '../../src/lab/lab';

/** Vault takes a mebibyte in one piece, in base64; Consul half of that, in base64 once more. */
const PIECE_BYTES = { raft: 640 * 1024, consul: 160 * 1024 };

/** What doesn't compress, so that a snapshot has a middle: 0.8 MiB each, 0.2 in Consul. */
export async function addBallast(lab: Lab, pieces: number): Promise<void> {
  const [{ name: node } = { name: '' }] = lab.nodes;
  for (let piece = 0; piece < pieces; piece++) {
    const value = randomBytes(lab.consul ? PIECE_BYTES.consul : PIECE_BYTES.raft).toString('base64');
    const { status } = await lab.vault(node, 'POST', `secret/data/ballast/${piece}`, { body: { data: { value } } });
    if (status !== 200) throw new Error(`Vault answered ${status} to ballast.`);
  }
}

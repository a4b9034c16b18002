import { explained } from '../../../../activities/node/explained';
import type { NodeHost } from '../../../../activities/node/context';
import { DrError } from '../../../../src/contract/failures';

/** Only the log is made up: on a real server each of these failures takes minutes. */
function hostWith(lines: string[]): NodeHost {
  const recentLog = () => Promise.resolve(lines.join('\n'));
  return { node: { name: 'vault-2' }, driver: { recentLog } } as unknown as NodeHost;
}

const line = (seconds: number, text: string) =>
  `${new Date(Date.now() + seconds * 1_000).toISOString()} [ERROR] storage.raft: ${text}`;
const waited = () => Promise.reject(new DrError('NotYet', 'Waited 60 s for vault-2 to unseal.'));

describe('a wait that was without success', () => {
  it("says what Vault's log says, and what to do", async () => {
    const host = hostWith([line(1, 'failed to heartbeat to: error="remote error: tls: unrecognized name"')]);

    await expect(explained(host, waited)(undefined)).rejects.toMatchObject({
      code: 'NotYet',
      message: expect.stringMatching(/^Waited 60 s for vault-2 to unseal\. Vault's log says: .*Raft TLS keys/),
      advice: expect.stringContaining('join it again'),
      where: 'vault-2',
    });
  });

  it('stays one that is not to be repeated', async () => {
    const host = hostWith([line(1, 'remote error: tls: unrecognized name')]);
    const inVain = () => Promise.reject(new DrError('NotYet', 'Waited 120 s.', { retryable: false }));

    await expect(explained(host, inVain)(undefined)).rejects.toMatchObject({ code: 'NotYet', retryable: false });
  });

  it('is not explained by what was logged before it began', async () => {
    const host = hostWith([line(-60, 'remote error: tls: unrecognized name')]);

    await expect(explained(host, waited)(undefined)).rejects.toMatchObject({
      message: 'Waited 60 s for vault-2 to unseal.',
    });
  });

  it('lets every other error and every result pass', async () => {
    const host = hostWith([line(1, 'remote error: tls: unrecognized name')]);

    await expect(explained(host, () => Promise.reject(new Error('other')))(1)).rejects.toThrow(/^other$/);
    await expect(explained(host, (_host, input: number) => Promise.resolve(input))(7)).resolves.toBe(7);
  });
});

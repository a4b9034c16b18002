import { certificatesFor } from '../support/certificates';
import { eventually, startVaultNode } from '../support/vault-node';

describe('a Vault node behind TLS', () => {
  it('is trusted by its CA and its name only', async () => {
    const { caPem, ...tls } = await certificatesFor('vault-1.example.com');
    const node = await startVaultNode('vault-1', tls);
    try {
      const trusted = node.client({ caPem, servername: 'vault-1.example.com' });
      await eventually('an answer', () => trusted.health());

      expect(await trusted.sealStatus()).toMatchObject({ initialized: false });
      const failures = [
        node.client({ caPem }),
        node.client({ caPem, servername: 'vault-2.example.com' }),
        node.client({ caPem, servername: '10.0.0.1' }),
        node.client({ servername: 'vault-1.example.com' }),
      ].map((client) => client.health().then(String, (error: { code: string; retryable: boolean }) => error));
      for (const failure of await Promise.all(failures)) {
        expect(failure).toMatchObject({ code: 'VaultUnavailable', retryable: false, where: 'vault-1' });
      }
      await expect(node.client({ address: node.address.replace('https:', 'http:') }).health()).rejects.toMatchObject({
        advice: 'Change the address of the node to https://.',
      });
    } finally {
      await node.stop();
    }
  }, 60_000);
});

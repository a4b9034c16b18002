import { agentPublicKey, generateAgentKey, signRecipient, verifyRecipients } from '../../../src/crypto/agent-key';

const RUN = { cluster: 'prod', run: 'run-1' };
const key = generateAgentKey();
const keyOf = () => agentPublicKey(key);

function signed(about: Partial<{ cluster: string; node: string; run: string; recipient: string }> = {}) {
  const facts = { ...RUN, node: 'vault-1', recipient: 'age1abc', ...about };
  return { node: 'vault-1', recipient: 'age1abc', signature: signRecipient(key, facts) };
}

test('a recipient that its agent has signed for this run holds', () => {
  expect(() => verifyRecipients([signed()], RUN, keyOf)).not.toThrow();
});

test.each([
  ['another recipient', { ...signed(), recipient: 'age1evil' }],
  ['another run', signed({ run: 'run-0' })],
  ['another cluster', signed({ cluster: 'staging' })],
  ['another node', signed({ node: 'vault-2' })],
  ['no signature', { ...signed(), signature: '' }],
])('a signature for %s does not hold', (_what, recipient) => {
  expect(() => verifyRecipients([recipient], RUN, keyOf)).toThrow(
    /vault-1: the recipient .* is not signed by its agent/,
  );
});

test('every recipient is looked at, and a node without a key in the configuration is named', () => {
  const forged = { ...signed(), recipient: 'age1evil' };
  const unknown = { ...signed({ node: 'vault-2' }), node: 'vault-2' };

  const verify = () => verifyRecipients([forged, unknown], RUN, (node) => (node === 'vault-1' ? keyOf() : undefined));

  expect(verify).toThrow(/vault-1: the recipient age1evil/);
  expect(verify).toThrow(/vault-2: the configuration has no agentPublicKey/);
});

test('a public key that is none is no reason to believe', () => {
  expect(() => verifyRecipients([signed()], RUN, () => 'AAAA')).toThrow(/not signed by its agent/);
});

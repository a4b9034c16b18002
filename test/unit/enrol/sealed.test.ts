import { agentPublicKey, generateAgentKey, signText } from '../../../src/crypto/agent-key';
import type { AnswerBody, OfferBody } from '../../../src/enrol/offer';
import { hashOf, openAnswer, openOffer, sealAnswer, sealOffer } from '../../../src/enrol/sealed';
import { createToken } from '../../../src/enrol/token';

const SCOPE = { cluster: 'prod', node: 'vault-1', expires: 1_800_000_000 };
const { keys } = createToken(SCOPE);
const KEY = generateAgentKey();

function offer(privateKey = KEY, change: Partial<OfferBody['parts']> = {}): OfferBody {
  return {
    cluster: 'prod',
    node: 'vault-1',
    parts: {
      agentPublicKey: agentPublicKey(privateKey),
      dataDir: '/opt/vault/data',
      configFiles: ['/etc/vault.d'],
      service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
      stateDir: '/var/lib/vault-dr',
      runtimeDir: '/run/vault-dr',
      ...change,
    },
    seen: {
      host: 'vault-1',
      version: '1.0.0',
      server: null,
      unit: null,
      owner: 'vault:vault',
      mode: '0700',
      freeBytes: 1,
      listeners: [],
      clusterAddress: null,
      nodeId: null,
      user: 'root',
      problems: [],
    },
    at: '2026-11-27T12:00:00.000Z',
  };
}

describe('an offer', () => {
  it('arrives as it was sent', () => {
    expect(openOffer(sealOffer(offer(), keys, KEY), keys, SCOPE)).toEqual(offer());
  });

  it('is not taken from somebody without the token', () => {
    const { keys: guessed } = createToken(SCOPE);

    expect(openOffer(sealOffer(offer(), guessed, KEY), keys, SCOPE)).toBeNull();
  });

  it('is not taken with another key in it, in whole or in part', () => {
    const sealed = sealOffer(offer(), keys, KEY);
    const mine = agentPublicKey(generateAgentKey());
    const swapped = { ...sealed, body: sealed.body.replace(offer().parts.agentPublicKey, mine) };

    expect(swapped.body).not.toBe(sealed.body);
    expect(openOffer(swapped, keys, SCOPE)).toBeNull();
  });

  it('is not taken for the key of somebody else, even from who has the token', () => {
    const thief = generateAgentKey();
    const body = offer(KEY);
    const sealed = sealOffer(body, keys, KEY);

    expect(() => sealOffer(body, keys, thief)).toThrow('another key');
    expect(openOffer({ ...sealed, signature: signText(thief, sealed.body) }, keys, SCOPE)).toBeNull();
    // The signature is over more than the body, so none of another kind of statement fits.
    expect(openOffer({ ...sealed, signature: signText(KEY, sealed.body) }, keys, SCOPE)).toBeNull();
  });

  it('is not taken for another node, cluster or time', () => {
    const sealed = sealOffer(offer(), keys, KEY);

    expect(openOffer(sealed, keys, { ...SCOPE, node: 'vault-2' })).toBeNull();
    expect(openOffer(sealed, keys, { ...SCOPE, cluster: 'other' })).toBeNull();
    expect(openOffer(sealed, createToken({ ...SCOPE, node: 'vault-2' }).keys, SCOPE)).toBeNull();
  });

  it.each([
    ['nothing', undefined],
    ['a number', 7],
    ['too much', { body: 'x'.repeat(40_000), mac: 'a'.repeat(64), signature: '' }],
    ['more than there may be', { body: '{}', mac: 'a'.repeat(64), signature: '', more: 1 }],
    ['a MAC that is none', { body: '{}', mac: 'z', signature: '' }],
  ])('is not taken when it is %s', (_what, message) => {
    expect(openOffer(message, keys, SCOPE)).toBeNull();
  });

  it.each([
    ['a relative path', { dataDir: 'data' }],
    ['ten thousand files', { configFiles: Array.from({ length: 10_000 }, (_, at) => `/${at}`) }],
    ['a service that is none', { service: { driver: 'shell', run: 'rm' } }],
  ])('is not taken with %s, even from who has the token', (_what, change) => {
    const sealed = sealOffer(offer(KEY, change as Partial<OfferBody['parts']>), keys, KEY);

    expect(openOffer(sealed, keys, SCOPE)).toBeNull();
  });
});

describe('an answer', () => {
  const sealedOffer = sealOffer(offer(), keys, KEY);
  const expected = {
    cluster: 'prod',
    node: 'vault-1',
    agentPublicKey: agentPublicKey(KEY),
    offer: hashOf(sealedOffer),
  };
  const answer: AnswerBody = { ...expected, config: { clusters: {} }, signingPublicKey: 'PEM', vaultCa: null };

  it('arrives as it was sent', () => {
    expect(openAnswer(sealAnswer(answer, keys), keys, expected)).toEqual(answer);
  });

  it('is not taken from somebody without the token, nor changed on the way', () => {
    const sealed = sealAnswer(answer, keys);

    expect(openAnswer(sealAnswer(answer, createToken(SCOPE).keys), keys, expected)).toBeNull();
    expect(openAnswer({ ...sealed, body: sealed.body.replace('PEM', 'MEP') }, keys, expected)).toBeNull();
  });

  it('is not taken for another agent, offer or node', () => {
    const sealed = sealAnswer(answer, keys);

    expect(openAnswer(sealed, keys, { ...expected, agentPublicKey: agentPublicKey(generateAgentKey()) })).toBeNull();
    expect(openAnswer(sealed, keys, { ...expected, offer: 'b'.repeat(64) })).toBeNull();
    expect(openAnswer(sealed, keys, { ...expected, node: 'vault-2' })).toBeNull();
  });

  it('is no offer, nor an offer an answer', () => {
    expect(openAnswer({ body: sealedOffer.body, mac: sealedOffer.mac }, keys, expected)).toBeNull();
    expect(openOffer({ ...sealAnswer(answer, keys), signature: '' }, keys, SCOPE)).toBeNull();
  });
});

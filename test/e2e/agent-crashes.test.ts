import { patient } from '../../src/lab/processes';
import { DrError } from '../../src/contract/failures';
import { VaultClient } from '../../src/vault/client';
import { RUN, useAgent } from '../support/real-agent';

/** What a step makes of a Vault that dies in the middle of it. The Vault is real; only the instant is chosen, by a step in between. */
const agent = useAgent();
afterEach(() => jest.restoreAllMocks());

const install = () => agent.step(() => agent.activities.installSnapshot({ claim: RUN }));

it('a Vault that dies before it has applied the snapshot is not taken for restored, and the install starts over', async () => {
  const keys = await agent.stageSnapshot();
  await agent.claim();
  await agent.stop();
  await agent.setAside();
  jest.spyOn(VaultClient.prototype, 'restoreSnapshot').mockImplementationOnce(async function (
    this: VaultClient,
    ...args
  ) {
    await this.restoreSnapshot(...args);
    await agent.crash();
  });

  const failure = await install().catch((error: unknown) => error);
  await install();
  const shares = await Promise.all(keys.slice(0, 2).map(agent.envelopeOf));
  const opened = await agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }));

  expect(failure).toMatchObject({
    code: 'ServiceFailed',
    message: expect.stringContaining('stopped before it had applied'),
  });
  expect((failure as DrError).retryable).toBe(true);
  expect(opened).toMatchObject({ state: 'unsealed' });
}, 90_000);

it('a Vault that hangs while it loads a snapshot is noticed in time, though no question is answered', async () => {
  await agent.stageSnapshot();
  await agent.claim();
  await agent.stop();
  await agent.setAside();
  let thaw = () => {};
  const since = performance.now();
  jest.spyOn(VaultClient.prototype, 'restoreSnapshot').mockImplementationOnce(async () => {
    thaw = await agent.freeze();
    // From here on a minute takes a second.
    const [now, began] = [Date.now, Date.now()];
    jest.spyOn(Date, 'now').mockImplementation(() => began + (now() - began) * 60);
  });

  try {
    await expect(install()).rejects.toMatchObject({
      code: 'NotYet',
      message: expect.stringContaining('to apply the snapshot'),
    });
  } finally {
    thaw();
  }

  expect(performance.now() - since).toBeLessThan(patient(20_000));
}, 60_000);

it('a Vault that dies while it is being given its shares is noticed, and opened by them again', async () => {
  const keys = await agent.startSealed();
  const shares = await Promise.all(keys.slice(0, 2).map(agent.envelopeOf));
  // A node that has just joined answers the last share with "sealed" and opens a second later. One node alone never does.
  const give = Reflect.get(VaultClient.prototype, 'unseal') as VaultClient['unseal'];
  let crashed: Promise<void> | undefined;
  const spy = jest.spyOn(VaultClient.prototype, 'unseal').mockImplementation(async function (this: VaultClient, input) {
    if (!('key' in input) || input.key !== keys[1] || crashed) return Reflect.apply(give, this, [input]);
    const status = await this.sealStatus();
    crashed = agent.crash();
    return status;
  });
  const began = Date.now();

  const outcome = await agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }));
  const seconds = (Date.now() - began) / 1_000;
  await crashed;

  expect(outcome).toMatchObject({ state: 'unsealed' });
  expect(spy.mock.calls.filter(([input]) => 'key' in input)).toHaveLength(4);
  expect(seconds).toBeLessThan(patient(30));
}, 90_000);

/** A leader that has let a node in, and a node that lost what it was sent, take two nodes and a kill at the right instant. */
describe('a node that was let in before it had the data of the cluster', () => {
  const blank = { initialized: false, sealed: true };
  const status = Reflect.get(VaultClient.prototype, 'sealStatus') as VaultClient['sealStatus'];
  const give = Reflect.get(VaultClient.prototype, 'unseal') as VaultClient['unseal'];
  let keys: string[];
  let unseal: () => Promise<unknown>;

  beforeEach(async () => {
    keys = await agent.startSealed();
    const shares = await Promise.all(keys.slice(0, 2).map(agent.envelopeOf));
    unseal = () => agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }));
  });

  it('is not given its shares again and again when the leader awaits no answer of it', async () => {
    const spy = jest.spyOn(VaultClient.prototype, 'unseal').mockImplementation(async function (
      this: VaultClient,
      input,
    ) {
      if (!('key' in input)) return Reflect.apply(give, this, [input]);
      throw new DrError(
        'VaultUnavailable',
        'vault-1 answered sys/unseal with 500: no expected answer for the server id',
      );
    });

    const failure = await unseal().catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'VaultRefused', retryable: false, message: expect.stringContaining('500') });
    expect(spy.mock.calls.filter(([input]) => 'key' in input)).toHaveLength(1);
  }, 60_000);

  it.each([
    ['is restarted between two shares: that is not held against their holders', 1],
    ['is restarted after the last share', 2],
  ])(
    '%s',
    async (_what, given) => {
      let shares = 0;
      jest.spyOn(VaultClient.prototype, 'sealStatus').mockImplementation(async function (this: VaultClient) {
        const now = await Reflect.apply(status, this, []);
        return shares > 0 ? { ...now, ...blank } : now;
      });
      jest.spyOn(VaultClient.prototype, 'unseal').mockImplementation(async function (this: VaultClient, input) {
        if ('key' in input && ++shares > given) throw new DrError('VaultRefused', 'Vault is not initialized');
        return Reflect.apply(status, this, []);
      });

      expect(await unseal()).toMatchObject({ state: 'not joined' });
    },
    60_000,
  );

  it('is given up after ten seconds when it should open by itself', async () => {
    jest.spyOn(VaultClient.prototype, 'sealStatus').mockImplementation(async function (this: VaultClient) {
      return { ...(await Reflect.apply(status, this, [])), ...blank };
    });
    const began = Date.now();

    const failure = await agent
      .step(() => agent.activities.awaitUnsealed({ claim: RUN }))
      .catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'ServiceFailed', retryable: false });
    expect(Date.now() - began).toBeLessThan(patient(30_000));
  }, 60_000);
});

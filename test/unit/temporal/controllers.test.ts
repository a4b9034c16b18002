import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import {
  assertOnlyOfItsName,
  controllerIdentity,
  parseIdentity,
  pollingControllers,
} from '../../../src/temporal/controllers';
import { versionIn } from '../../../src/temporal/takeover/open-run';
import { VERSION } from '../../../src/version';

const NOW = Date.parse('2026-11-27T12:00:00Z');

/** Temporal's answer to the question who polls: who that is can't be arranged on a real server. */
function answering(pollers: { identity: string; agoSeconds?: number }[]) {
  const asked: string[] = [];
  const client = {
    options: { namespace: 'default' },
    withDeadline: (_deadline: number, work: () => unknown) => work(),
    workflowService: {
      describeTaskQueue: ({ taskQueue }: { taskQueue: { name: string } }) => {
        asked.push(taskQueue.name);
        return Promise.resolve({
          pollers: pollers.map(({ identity, agoSeconds = 0 }) => ({
            identity,
            lastAccessTime: { seconds: NOW / 1_000 - agoSeconds },
          })),
        });
      },
    },
  };
  return { client: client as unknown as Client, asked };
}

describe('the identity of a controller', () => {
  it('names controller, directory, host and version, also for what earlier versions read in it', () => {
    const identity = controllerIdentity({ name: 'east', id: '0a1b2c3d' });

    expect(parseIdentity(identity)).toEqual({ name: 'east', id: '0a1b2c3d', host: hostname(), version: VERSION });
    expect(versionIn(identity)).toBe(VERSION);
  });

  it('of an earlier version has no name', () => {
    expect(parseIdentity('ctl-1/77 vault-dr 0.1.0')).toEqual({ name: null, id: null, host: 'ctl-1', version: '0.1.0' });
  });

  it.each(['', '1234@host', 'a#0a1b2c3d@h/1 vault-dr \u001b[2J', '../x#0a1b2c3d@h/1 vault-dr 1.0.0'])(
    'is not what somebody else calls himself: %j',
    (identity) => {
      expect(parseIdentity(identity)).toBeNull();
    },
  );
});

describe('controllers that poll', () => {
  it('are those that asked for work within the last minute', async () => {
    const { client, asked } = answering([
      { identity: 'east#0a1b2c3d@ctl-1/77 vault-dr 1.0.0', agoSeconds: 30 },
      { identity: 'west#0a1b2c3e@ctl-2/77 vault-dr 1.0.0', agoSeconds: 200 },
      { identity: '99@somebody' },
    ]);

    const found = await pollingControllers(client, undefined, NOW);

    expect(asked).toEqual(['vault-dr']);
    expect(found).toEqual([
      { name: 'east', id: '0a1b2c3d', host: 'ctl-1', version: '1.0.0', lastSeen: '2026-11-27T11:59:30.000Z' },
    ]);
  });

  it('of one name are refused a second one, but not its own successor', async () => {
    const identity = 'east#0a1b2c3d@ctl-1/77 vault-dr 1.0.0';
    const { client, asked } = answering([{ identity, agoSeconds: -(Date.now() - NOW) / 1_000 }]);

    await expect(assertOnlyOfItsName(client, { name: 'east', id: 'ffffffff' })).rejects.toMatchObject({
      code: 'NotYet',
      message: expect.stringMatching(/Another controller is called east: that of ctl-1, last seen/),
    });
    await expect(assertOnlyOfItsName(client, { name: 'east', id: '0a1b2c3d' })).resolves.toBeUndefined();
    expect(asked).toEqual(['vault-dr-controller/east', 'vault-dr-controller/east']);
  });
});

import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { DrError } from '../contract/failures';
import { CONTROLLER_TASK_QUEUE, controllerTaskQueue } from '../contract/names';
import { VERSION } from '../version';
import { temporalError } from './temporal-error';

const ACTIVITY_QUEUE = 2;
const ANSWER_WITHIN_MS = 5_000;
/** Pollers stay listed for minutes after they are gone; a living one asks at least once a minute. */
const AWAY_AFTER_MS = 70_000;

/** Who polls a queue of controllers, by its own word. */
export interface Poller {
  /** Null where it does not say, as those of earlier versions. */
  name: string | null;
  id: string | null;
  host: string;
  version: string;
  /** RFC 3339, UTC. */
  lastSeen: string;
}

const IDENTITY =
  /^(?:([a-z0-9][a-z0-9-]{0,62})#([0-9a-f]{8})@)?([A-Za-z0-9._-]{1,255})\/\d{1,10} vault-dr ([0-9A-Za-z.+-]{1,60})$/;

/** As a controller calls itself. */
export function controllerIdentity({ name, id }: { name: string; id: string }): string {
  return `${name}#${id}@${hostname()}/${process.pid} vault-dr ${VERSION}`;
}

/** Null for what no controller of ours calls itself: anybody can poll. */
export function parseIdentity(identity: string): Omit<Poller, 'lastSeen'> | null {
  const [, name, id, host, version] = IDENTITY.exec(identity) ?? [];
  return host === undefined || version === undefined ? null : { name: name ?? null, id: id ?? null, host, version };
}

/** Controllers that ask for work: any of them, or those of one name. @throws DrError TemporalUnreachable, PermissionDenied */
export async function pollingControllers(client: Client, name?: string, now = Date.now()): Promise<Poller[]> {
  const { namespace } = client.options;
  const queue = name === undefined ? CONTROLLER_TASK_QUEUE : controllerTaskQueue(name);
  try {
    const { pollers } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: queue },
        taskQueueType: ACTIVITY_QUEUE,
      }),
    );
    return (pollers ?? []).flatMap(({ identity, lastAccessTime }) => {
      const known = parseIdentity(identity ?? '');
      const seenMs = Number(lastAccessTime?.seconds ?? 0) * 1_000;
      if (known === null || now - seenMs > AWAY_AFTER_MS) return [];
      return [{ ...known, lastSeen: new Date(seenMs).toISOString() }];
    });
  } catch (error) {
    throw temporalError(error, { address: '', namespace });
  }
}

/**
 * Refuses while another controller of the same name, with a directory of its own, asks for work: steps that need what lies
 * on one disk would be taken up by the other.
 * @throws DrError NotYet
 */
export async function assertOnlyOfItsName(client: Client, { name, id }: { name: string; id: string }): Promise<void> {
  const other = (await pollingControllers(client, name)).find((poller) => poller.id !== id);
  if (other === undefined) return;
  throw new DrError(
    'NotYet',
    `Another controller is called ${name}: that of ${other.host}, last seen ${other.lastSeen}.`,
    {
      where: name,
      notice: 'controller-name-taken',
      advice: 'Give each controller a name of its own (controller.name), or a host name of its own.',
    },
  );
}

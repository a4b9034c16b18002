import { randomUUID } from 'node:crypto';

export interface KnownIds {
  /** Of Vault's configuration or environment on this host. */
  configured: string | null;
  /** Of this host before: from the `node-id` file of the data that was set aside, or from vault-dr's own configuration. */
  previous: string | null;
}

export interface ChosenId {
  id: string;
  /** What the file `node-id` has to say; null: no such file. */
  file: string | null;
}

/**
 * The Raft id of a node that starts from the archive of another one's data directory, or of its own.
 *
 * What Vault's configuration names is what Vault takes, so then there is no file: an old one would count on the day when the setting is
 * removed. Otherwise the host keeps its own id, and one that has none gets a new one. The id in the archive is never taken over: it is
 * that of the node that was archived, which joins again with it if its configuration names it, and Raft takes two nodes of one id for one
 * that moves to and fro. It has no use either, since the node starts as the only member, whatever it is called.
 */
export function chooseNodeId({ configured, previous }: KnownIds, newId: () => string = randomUUID): ChosenId {
  if (configured !== null && configured !== '') return { id: configured, file: null };
  const id = previous !== null && previous !== '' ? previous : newId();
  return { id, file: id };
}

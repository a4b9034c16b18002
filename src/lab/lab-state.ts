import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DrError } from '../contract/failures';
import { sweep } from './sweep';

export const STATE_FILE = 'lab.json';

export interface ClusterAccess {
  nodes: { name: string; address: string }[];
  unsealShares: string[];
  rootToken: string;
}

/** The state of a kept lab, for later commands; in a file that only its owner can read. */
export interface LabState extends ClusterAccess {
  id: string;
  startedAt: string;
  staging?: ClusterAccess;
  temporalUi: string;
  s3Endpoint: string;
  /** Environment in which the `vault-dr` and `temporal` CLIs work with this lab. */
  environment: Record<string, string>;
}

/** @throws DrError InvalidInput when there is no lab. */
export async function readLabState(directory: string): Promise<LabState> {
  try {
    return JSON.parse(await readFile(join(directory, STATE_FILE), 'utf8')) as LabState;
  } catch (error) {
    throw new DrError('InvalidInput', `${directory} is not the directory of a lab: it has no readable ${STATE_FILE}.`, {
      cause: error,
    });
  }
}

/** Ends a kept lab: every process of it, and its directory. */
export async function endLab(directory: string): Promise<void> {
  const { id } = await readLabState(directory);
  await sweep(id, directory);
}

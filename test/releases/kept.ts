import { readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import type { Manifest } from '../../src/contract/generation';
import type { ShapeName } from '../../src/lab/shapes';

/** What each release has left behind, in a folder of its version; CONTRIBUTING.md says how it comes here. */
export const RELEASES = join(PROJECT_ROOT, 'test', 'releases');
/** Recorded for the release to come, which gives it its name. */
export const NEXT = 'next';

/** What a lab of each method leaves: a folder of its name. */
export const INSTALLATIONS = {
  raft: 'plain',
  filesystem: 'raft-copied',
  consul: 'consul-storage',
} as const satisfies Record<string, ShapeName>;
export type InstallationName = keyof typeof INSTALLATIONS;

/** What is to be found in each installation. */
export const RELEASE_FILE = 'release.json';
export type KeptRelease = Partial<Record<InstallationName, InstallationFacts>>;

/** What whoever reads an installation must find. */
export interface InstallationFacts {
  /** Hash of the code that has written it: scripts/writing-code.mjs. */
  code: string;
  /** Oldest first. */
  backups: { id: string; method: InstallationName; encryption: Manifest['encryption']['method'] }[];
  /** A secret that is in each of them. */
  secret: { path: string; value: string };
  /** Ids of backups. */
  pinned: string[];
  restored: string[];
  /** Ids of runs that have a report. */
  runs: string[];
  /** The run that the hosts in `hosts-in-progress` belong to. */
  inProgress: string | null;
  /** Nodes that were invited. */
  invited: string[];
}

/** Where things lie in the folder of an installation. */
export const PLACES = {
  config: 'vault-dr.yaml',
  publicKey: 'signing-key.pub.pem',
  repository: 'repository',
  /** The controller's own directory. */
  controller: 'controller',
  /** The agents' own directories, by node: after a run, and in the middle of one. */
  hosts: 'hosts',
  hostsInProgress: 'hosts-in-progress',
  /** Beside the controller's configuration. */
  enrolment: 'enrolment',
  secrets: 'secrets.json',
} as const;

/**
 * Keys of the lab, which ended with it: nobody's secret. In base64, so that a search for secrets finds none here.
 */
export interface KeptSecrets {
  unsealShares: string[];
  rootToken: string;
  /** Contents of files, by their names in the lab's directory of secrets. */
  files: Record<string, string>;
  /** By node. */
  agentKeys: Record<string, string>;
}

export function keptReleases(): string[] {
  const entries = readdirSync(RELEASES, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

export function readRelease(release: string): KeptRelease {
  return JSON.parse(readFileSync(join(RELEASES, release, RELEASE_FILE), 'utf8')) as KeptRelease;
}

/** Copies an installation to where it may be changed, with the modes that git does not keep. */
export async function unpack(release: string, name: InstallationName, to: string): Promise<KeptSecrets> {
  await cp(join(RELEASES, release, name), to, { recursive: true });
  await chmod(to, 0o700);
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
  const kept = JSON.parse(await readFile(join(to, PLACES.secrets), 'utf8')) as KeptSecrets;
  return inPlain(kept);
}

export function encoded(secrets: KeptSecrets): KeptSecrets {
  return mapSecrets(secrets, (text) => Buffer.from(text).toString('base64'));
}

function inPlain(secrets: KeptSecrets): KeptSecrets {
  return mapSecrets(secrets, (text) => Buffer.from(text, 'base64').toString());
}

function mapSecrets(secrets: KeptSecrets, map: (text: string) => string): KeptSecrets {
  const byName = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, map(text)]));
  return {
    unsealShares: secrets.unsealShares.map(map),
    rootToken: map(secrets.rootToken),
    files: byName(secrets.files),
    agentKeys: byName(secrets.agentKeys),
  };
}

import { shellWord } from '../../contract/shell-word';
import { basename } from 'node:path';
import { DEFAULT_CONFIG_FILE } from '../../config/default-file';
import { readIfThere, statIfThere } from '../../files/files';
import { framed } from '../../terminal';
import type { Interview } from './questions';

const UNITS = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
const CONTROLLER_UNIT = 'vault-dr-controller.service';
const TEMPORAL_PROFILE = '/etc/vault-dr/temporal.toml';

/** What is written on this host, and what stays. */
export async function plannedFiles({ file, places, settings, caPem }: Interview, text: string): Promise<string[]> {
  const line = async (path: string, what: string) =>
    `${(await statIfThere(path)) === null ? 'write' : 'keep '} ${path}  (${what})`;
  const present = await readIfThere(file);
  const repositories = await Promise.all(
    Object.values(settings.repositories).map(async (repository) =>
      repository.type === 'directory'
        ? `${(await statIfThere(repository.path)) === null ? 'make ' : 'keep '} ${repository.path}  (backups, 0700)`
        : `test  s3://${repository.bucket}/${repository.prefix ?? ''}  (backups)`,
    ),
  );
  return [
    await line(places.signingKey, 'signing key, secret, 0600'),
    await line(places.signingPublicKey, 'its public half'),
    ...(settings.ownIdentity ? [await line(places.identity, 'age identity that opens backups, secret, 0600')] : []),
    ...(caPem === null ? [] : [await line(places.caFile, "authority of Vault's certificates")]),
    await line(places.roleId, 'role id, 0600'),
    await line(places.secretId, 'secret id, secret, 0600'),
    ...repositories,
    present === null || present === text
      ? await line(file, 'configuration')
      : `keep  ${file}  (configuration; the new one goes to ${basename(file)}.new, with the differences shown)`,
  ];
}

/** What goes to which host. What an agent needs comes with its enrolment. */
export function hostLines({ places, settings }: Interview): string[] {
  const [first = '', ...others] = settings.nodes.map(({ name }) => name);
  const identity = basename(places.identity);
  const nodes = [first, ...others].join(', ');
  return [
    '',
    'What goes where:',
    `  controller (this host): all of ${places.directory}${settings.ownIdentity ? ` but ${identity}` : ''}`,
    `  ${nodes}: an agent, before a restore; nothing to copy: vault-dr enrol invite --cluster ${settings.cluster} --node ${first}`,
    ...(settings.ownIdentity ? [`  ${first}, which is restored first: also ${identity}, into /etc/vault-dr`] : []),
    '  machines of approvers and key holders: the configuration',
  ];
}

/** @param isNew whether this run has made it: then it is shown once, to be written down. */
export async function identityLines(path: string, isNew: boolean): Promise<string[]> {
  const care = [
    '',
    'Without the age identity no backup can be opened. Keep it on paper or in a safe as well, outside of this data',
    `center, and remove ${path} from this host once it is on the first node.`,
  ];
  const shows = process.stderr.isTTY && process.stdout.isTTY;
  if (!isNew || !shows) return [...care, `To write it down: cat ${shellWord(path)}`];
  const secret = (await readIfThere(path))?.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? '';
  return [...care, 'It is shown this once:', '', `  ${secret}`];
}

/** The box at the end: what is typed next. */
export async function nextSteps({ file, settings, every, found }: Interview): Promise<string> {
  const { cluster } = settings;
  const config = file === DEFAULT_CONFIG_FILE ? '' : ` --config ${shellWord(file)}`;
  const first =
    found.method === 'filesystem' ? ['Agents make these backups: enrol them first (vault-dr enrol invite).', ''] : [];
  const commands = [
    (await hasUnit()) && config === '' ? `systemctl enable --now ${CONTROLLER_UNIT}` : `vault-dr worker${config}`,
    `vault-dr backup --cluster ${cluster}`,
    `vault-dr schedule apply --cluster ${cluster} --every ${every}`,
  ];
  return framed([...first, ...(await temporalLines()), 'Next:', ...commands.map((command) => `  ${command}`)]);
}

async function temporalLines(): Promise<string[]> {
  const named = ['TEMPORAL_ADDRESS', 'TEMPORAL_CONFIG_FILE', 'TEMPORAL_PROFILE'].some((name) => process.env[name]);
  if (named || (await statIfThere(TEMPORAL_PROFILE)) !== null) return [];
  return [
    'All of them need Temporal. Set TEMPORAL_ADDRESS to yours, or for a trial start one:',
    '  vault-dr temporal --data DIRECTORY',
    '',
  ];
}

async function hasUnit(): Promise<boolean> {
  const found = await Promise.all(UNITS.map((directory) => statIfThere(`${directory}/${CONTROLLER_UNIT}`)));
  return found.some((stats) => stats !== null);
}

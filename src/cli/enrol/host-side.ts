import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parse } from 'yaml';
import { clusterOf, loadConfig, nodeOf, parseConfig } from '../../config/load';
import type { ServiceConfig } from '../../config/schema';
import { node as nodeSchema } from '../../config/settings/node';
import { DrError } from '../../contract/failures';
import { formatTime } from '../../contract/format';
import { printable } from '../../contract/printable';
import { agentFingerprint, agentPublicKey } from '../../crypto/agent-key';
import { type AnswerCheck, checkAnswer, SIGNING_KEY_FILE, VAULT_CA_FILE } from '../../enrol/agent-config';
import { type AnswerBody, type NodeParts, nodeParts, type OfferBody, sameParts } from '../../enrol/offer';
import { hashOf, openAnswer, openOffer, sealOffer } from '../../enrol/sealed';
import { readToken } from '../../enrol/token';
import { writeFileAtomically } from '../../files/atomic-file';
import { readIfThere } from '../../files/files';
import { lookAtHost } from '../../host/enrol/look';
import { ensureAgentKey } from '../../host/run/agent-key-file';
import { connectClient } from '../../temporal/connect-temporal';
import { EnrolmentMailbox } from '../../temporal/enrolment';
import { note, print, printJson } from '../output';
import { type CommonOptions, temporalOptions } from '../program';
import { promptHidden, promptYes } from '../prompt';
import { changeText, offerText } from './text';

interface AcceptOptions extends CommonOptions {
  tokenFile?: string;
  unit?: string;
  service?: string;
  dataDir?: string;
  configFile: string[];
  stateDir: string;
  runtimeDir: string;
  allow: string[];
  replace?: boolean;
  yes?: boolean;
}

export async function runAccept(options: AcceptOptions): Promise<void> {
  const token = readToken(await typedToken(options.tokenFile));
  const { cluster, node, expires, keys } = token;
  if (Date.now() / 1000 > expires) {
    throw new DrError('NotApproved', `This token expired on ${formatTime(expires * 1_000)}.`, {
      where: node,
      advice: `Nothing was sent. Create a new one on the controller's host: vault-dr enrol invite --cluster ${cluster} --node ${node}`,
    });
  }
  const privateKey = await ensureAgentKey(resolve(options.stateDir));
  const made = await offerOf(options, cluster, node, privateKey);
  const fingerprint = agentFingerprint(made.parts.agentPublicKey);
  note(offerText(made, fingerprint).join('\n'));
  const client = await connectClient(temporalOptions(options));
  try {
    const mailbox = new EnrolmentMailbox(client, { cluster, node, id: keys.id });
    // After an interruption what was sent counts, also if it has been confirmed meanwhile.
    const earlier = await mailbox.read();
    const sent = earlier && openOffer(earlier.offer, keys, token);
    const isSame = sent !== null && sameParts(sent.parts, made.parts);
    const isDone = earlier?.answers.length !== 0;
    const isThere = earlier !== null && isSame && (earlier.open || isDone);
    const offer = isSame && earlier !== null ? earlier.offer : sealOffer(made, keys, privateKey);
    if (!isThere) await mailbox.send(offer);
    note(`\nSent. On the controller's host: vault-dr enrol confirm --cluster ${cluster} --node ${node}`);
    note(`It must show this fingerprint: ${fingerprint}`);
    const expected = { cluster, node, agentPublicKey: made.parts.agentPublicKey, offer: hashOf(offer) };
    const answer = await mailbox.until(
      ({ answers }) => answers.map((item) => openAnswer(item, keys, expected)).find((item) => item !== null) ?? null,
      expires * 1_000 + AFTER_EXPIRY_MS,
      note,
    );
    const file = resolve(options.config);
    const changed = await takeOver(options, file, answer, made.parts);
    await mailbox.taken();
    if (options.json) return printJson('enrol-accept', { cluster, node, fingerprint, config: file, changed });
    print(changed ? `${file} was written.` : `${file} is as it should be.`);
    note(await nextSteps(file, cluster, node));
  } finally {
    await client.connection.close();
  }
}

async function nextSteps(file: string, cluster: string, name: string): Promise<string> {
  const named = `--cluster ${cluster} --node ${name}`;
  const { ssh } = nodeOf(clusterOf(await loadConfig(file), cluster), name);
  const install =
    ssh === undefined ? `install agent ${named}` : `install ssh ${named} --key FILE-OF-THE-CONTROLLER.pub`;
  return `Next: vault-dr ${install}\nThen: vault-dr doctor agent`;
}

/** A person may confirm in the last second. */
const AFTER_EXPIRY_MS = 60_000;

async function typedToken(file: string | undefined): Promise<string> {
  if (file === '-') return readAll(process.stdin);
  if (file !== undefined) {
    return readFile(file, 'utf8').catch((cause: Error) => {
      throw new DrError('InvalidInput', `The token can't be read: ${cause.message}`, { cause });
    });
  }
  return process.stdin.isTTY ? promptHidden('Token: ') : readAll(process.stdin);
}

async function offerOf(options: AcceptOptions, cluster: string, node: string, privateKey: string): Promise<OfferBody> {
  const { unit, dataDir, configFile, stateDir, runtimeDir } = options;
  const service = options.service === undefined ? undefined : await readService(options.service);
  const { parts, seen } = await lookAtHost({
    unit,
    dataDir: dataDir && resolve(dataDir),
    service: service?.parsed,
    configFiles: configFile.length === 0 ? undefined : configFile.map((path) => resolve(path)),
  });
  if (parts.dataDir === null || parts.service === null) {
    throw new DrError('InvalidInput', `Vault was not found on this host: ${seen.problems.join('; ')}.`, {
      where: node,
      advice:
        'Nothing was sent. Install Vault and its configuration first, or say where it is: --unit, --config-file, --data-dir.',
    });
  }
  const found: NodeParts = {
    agentPublicKey: agentPublicKey(privateKey),
    dataDir: parts.dataDir,
    configFiles: parts.configFiles,
    service: service?.raw ?? (parts.service as Record<string, unknown>),
    stateDir: resolve(stateDir),
    runtimeDir: resolve(runtimeDir),
  };
  return { cluster, node, parts: nodeParts.parse(found), seen, at: new Date().toISOString() };
}

/** @throws DrError InvalidInput */
async function readService(file: string): Promise<{ raw: Record<string, unknown>; parsed: ServiceConfig | undefined }> {
  const raw = parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const { data, error } = nodeSchema.shape.service.safeParse(raw);
  if (data !== undefined) return { raw, parsed: data };
  throw new DrError('InvalidInput', `${file} is not a \`service\`: ${error?.issues[0]?.message}.`, {
    where: file,
    advice: 'Nothing was sent. See docs/configuration.md#clustersnamenodesservice.',
  });
}

/** @returns whether anything was written. @throws DrError NotApproved, Aborted */
async function takeOver(options: AcceptOptions, file: string, answer: AnswerBody, parts: NodeParts): Promise<boolean> {
  const { cluster, node } = answer;
  const directory = dirname(file);
  const hasVaultCa = answer.vaultCa !== null;
  const checked = checkAnswer(answer.config, { cluster, node, parts, directory, hasVaultCa });
  if (checked.problems.length > 0) {
    throw new DrError('NotApproved', `The configuration that was sent is refused: ${checked.problems.join('; ')}.`, {
      where: node,
      advice: "Nothing was written. Compare this host with the controller's configuration, and enrol it again.",
    });
  }
  const pem = [
    { file: join(directory, SIGNING_KEY_FILE), text: answer.signingPublicKey, kind: 'PUBLIC KEY' },
    ...(answer.vaultCa === null
      ? []
      : [{ file: join(directory, VAULT_CA_FILE), text: answer.vaultCa, kind: 'CERTIFICATE' }]),
  ];
  for (const item of pem) refuseUnlessPem(item);
  const present = await readIfThere(file);
  if (present !== null && saysSo(present, file, cluster, node, parts)) return false;
  const wanted = [{ file, text: checked.text }, ...pem];
  const differing = [];
  for (const item of wanted) if ((await readIfThere(item.file)) !== item.text) differing.push(item);
  if (differing.length === 0) return false;
  if (present !== null && present !== checked.text && !options.replace) {
    throw new DrError('AlreadyRunning', `${file} exists and says something else.`, {
      where: file,
      advice: 'Nothing was written. Compare the two; then repeat this with --replace. The old file is kept.',
    });
  }
  for (const item of differing) note(changeText(item.file, (await readIfThere(item.file)) ?? '', item.text).join('\n'));
  await agree(options, checked);
  const access = await accessFor(directory);
  if (present !== null && present !== checked.text) {
    await writeFileAtomically(`${file}.before-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`, present, access);
  }
  // The configuration last: with it the agent can start.
  for (const item of differing.toReversed()) await writeFileAtomically(item.file, item.text, access);
  return true;
}

/** The group of the directory may read it: it holds no secret. */
async function accessFor(directory: string) {
  const { gid } = await stat(directory);
  return { mode: 0o640, uid: process.geteuid?.() ?? 0, gid };
}

/** Also the controller's own file, where both are on one host. */
function saysSo(text: string, file: string, cluster: string, node: string, parts: NodeParts): boolean {
  try {
    const config = parseConfig(text, file);
    const own = config.clusters[cluster]?.nodes.find(({ name }) => name === node);
    if (config.signing.privateKey === undefined || own === undefined) return false;
    const raw = (parse(text) as { clusters: Record<string, { nodes: Record<string, unknown>[] }> }).clusters[cluster];
    const said = raw?.nodes.find(({ name }) => name === node);
    return (['agentPublicKey', 'dataDir'] as const).every((key) => said?.[key] === parts[key]);
  } catch {
    return false;
  }
}

/** @throws DrError Aborted, NotApproved */
async function agree({ yes, json, allow }: AcceptOptions, { foreign }: AnswerCheck): Promise<void> {
  const open = foreign.filter(({ at }) => !allow.includes(at));
  const isAsked = !yes && !json && process.stdin.isTTY;
  if (open.length > 0) {
    note('\nThe agent of this host would use what this host did not find itself:');
    for (const { at, value } of open) note(`  ${at}: ${printable(value)}`);
  }
  if (isAsked) {
    if (await promptYes('Write it?')) return;
    throw new DrError('Aborted', 'Nothing was written. Repeat the command to continue.');
  }
  if (!yes) {
    throw new DrError('InvalidInput', 'Nobody is there to answer.', {
      advice: 'Nothing was written. Repeat this command at a terminal, or with --yes.',
    });
  }
  if (open.length === 0) return;
  throw new DrError(
    'NotApproved',
    `${open.length} settings name paths or commands that this host did not find itself.`,
    {
      advice: `Nothing was written. Look at them, then repeat it with ${open.map(({ at }) => `--allow ${at}`).join(' ')}`,
    },
  );
}

function refuseUnlessPem({ file, text, kind }: { file: string; text: string; kind: string }): void {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z ]+)-----/g)].map(([, name]) => name);
  if (blocks.length > 0 && blocks.every((name) => name === kind)) return;
  throw new DrError('NotApproved', `What was sent for ${basename(file)} is not a ${kind.toLowerCase()} in PEM.`, {
    where: file,
    advice: "Nothing was written. Check signing.publicKeyFile and tls.caFile on the controller's host.",
  });
}

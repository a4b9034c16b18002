import { readFile, realpath, stat } from 'node:fs/promises';
import { clusterOf, loadConfig, nodeOf, parseConfig, readPublicKey } from '../../config/load';
import { DrError } from '../../contract/failures';
import { formatTime } from '../../contract/format';
import { printable } from '../../contract/printable';
import { agentFingerprint } from '../../crypto/agent-key';
import { agentConfig } from '../../enrol/agent-config';
import { withNodeParts } from '../../enrol/controller-config';
import { type Invite, Invites, problemOfUse } from '../../enrol/invites';
import type { OfferBody } from '../../enrol/offer';
import { hashOf, openOffer, sealAnswer } from '../../enrol/sealed';
import { writeFileAtomically } from '../../files/atomic-file';
import { connectClient } from '../../temporal/connect-temporal';
import { EnrolmentMailbox } from '../../temporal/enrolment';
import { renderTable } from '../../terminal';
import { note, print, printJson } from '../output';
import { type CommonOptions, temporalOptions } from '../program';
import { promptYes } from '../prompt';
import { changeText, offerText } from './text';

interface NodeOptions extends CommonOptions {
  cluster: string;
  node: string;
}

export async function runInvite(options: NodeOptions & { expires: number }): Promise<void> {
  const { cluster, node } = options;
  nodeOf(clusterOf(await loadConfig(options.config), cluster), node);
  const { token, invite } = await new Invites(await realpath(options.config)).create(
    cluster,
    node,
    options.expires / 60_000,
  );
  const expires = formatTime(invite.expires * 1_000);
  if (options.json) return printJson('enrol-invite', { cluster, node, token, expires });
  print(token);
  note(`Valid once, until ${expires}. It is not shown again: who has it can offer an agent for ${node}.`);
  note(`On the host of ${node}: vault-dr enrol accept`);
  note(`Then here: vault-dr enrol confirm --cluster ${cluster} --node ${node}`);
}

/** What somebody with the token has sent; null if nothing came that is genuine. */
interface Waiting {
  body: OfferBody;
  hash: string;
  /** The host has its answer, and has written it. */
  done: boolean;
}

async function waiting(mailbox: EnrolmentMailbox, invite: Invite): Promise<Waiting | null> {
  const sent = await mailbox.read();
  const body = sent && openOffer(sent.offer, invite.keys, invite);
  return sent && body && { body, hash: hashOf(sent.offer), done: sent.taken };
}

export async function runList(options: CommonOptions): Promise<void> {
  const invites = await new Invites(await realpath(options.config)).list();
  const client = await connectClient(temporalOptions(options));
  try {
    const rows = [];
    for (const invite of invites) {
      const found = await waiting(mailboxOf(client, invite), invite);
      rows.push({
        cluster: invite.cluster,
        node: invite.node,
        expires: formatTime(invite.expires * 1_000),
        state: stateOf(invite, found),
        fingerprint: found && agentFingerprint(found.body.parts.agentPublicKey),
        host: found && printable(found.body.seen.host),
      });
    }
    if (options.json) return printJson('enrol-list', { invites: rows });
    if (rows.length === 0)
      return print('No token is open. To create one: vault-dr enrol invite --cluster CLUSTER --node NODE');
    const shown = rows.map(({ cluster, node, expires, state, fingerprint, host }) => [
      cluster,
      node,
      state,
      fingerprint ?? '',
      host ?? '',
      expires,
    ]);
    print(renderTable(['cluster', 'node', 'state', 'fingerprint', 'host', 'token expires'], shown));
  } finally {
    await client.connection.close();
  }
}

function stateOf(invite: Invite, found: Waiting | null): 'invited' | 'waiting' | 'confirmed' | 'expired' {
  if (invite.used !== null) return 'confirmed';
  if (Date.now() / 1000 > invite.expires) return 'expired';
  return found === null ? 'invited' : 'waiting';
}

interface ConfirmOptions extends CommonOptions {
  cluster: string;
  node?: string;
  fingerprint: string[];
}

/** An agent whose offer is genuine. */
interface Candidate extends Waiting {
  invite: Invite;
  mailbox: EnrolmentMailbox;
  fingerprint: string;
}

export async function runConfirm(options: ConfirmOptions): Promise<void> {
  const { cluster, node } = options;
  const file = await realpath(options.config);
  const before = await readFile(file, 'utf8');
  const present = clusterOf(parseConfig(before, file), cluster);
  if (node !== undefined) nodeOf(present, node);
  const invites = new Invites(file);
  const asked =
    node === undefined
      ? (await invites.list()).filter((invite) => invite.cluster === cluster)
      : [invites.get(cluster, node)];
  const client = await connectClient(temporalOptions(options));
  try {
    const candidates = await candidatesOf(client, asked);
    if (candidates.length === 0) throw nothingSent(cluster, node);
    const agreed: Candidate[] = [];
    let after = before;
    for (const candidate of candidates) {
      const { invite, body, hash, fingerprint } = candidate;
      // Said before anybody compares anything.
      const problem = problemOfUse(invite, invite, hash, Date.now());
      if (problem !== null && node === undefined) {
        note(`Left out: ${invite.node}: ${problem}.`);
        continue;
      }
      if (problem !== null) await invites.use(invite, hash);
      const next = withNodeParts(after, file, cluster, invite.node, body.parts);
      if (!options.json) note([...offerText(body, fingerprint), ...changeText(file, after, next)].join('\n'));
      if (!(await agrees(options, fingerprint, invite.node))) continue;
      agreed.push(candidate);
      after = next;
    }
    if (agreed.length === 0) throw new DrError('Aborted', 'Nothing was changed.');
    const backup = await invites.alone(async () => {
      for (const { invite, hash } of agreed) await invites.use(invite, hash);
      return writeConfig(file, before, after);
    });
    await sendAnswers(agreed, after, file, cluster);
    const changed = before !== after;
    const nodes = agreed.map(({ invite, fingerprint }) => ({ node: invite.node, fingerprint }));
    if (options.json) return printJson('enrol-confirm', { cluster, nodes, config: file, changed, backup });
    const names = nodes.map((item) => item.node).join(', ');
    print(
      changed
        ? `${file} now has the agents of ${names}. The previous file: ${backup}`
        : `${file} had the agents of ${names} already.`,
    );
    note('Each host was sent its configuration, and shows it before it writes it.');
    note('To have the controller read the new file: systemctl restart vault-dr-controller');
  } finally {
    await client.connection.close();
  }
}

async function candidatesOf(client: TemporalClient, asked: readonly Invite[]): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const invite of asked) {
    const mailbox = mailboxOf(client, invite);
    const sent = await waiting(mailbox, invite);
    // One that was confirmed and is done needs nothing more.
    if (sent === null || (sent.done && asked.length > 1)) continue;
    found.push({ ...sent, invite, mailbox, fingerprint: agentFingerprint(sent.body.parts.agentPublicKey) });
  }
  return found;
}

async function sendAnswers(agreed: readonly Candidate[], text: string, file: string, cluster: string): Promise<void> {
  const config = parseConfig(text, file);
  const caFile = clusterOf(config, cluster).tls?.caFile;
  const signingPublicKey = await readPublicKey(config);
  const vaultCa = caFile === undefined ? null : await readFile(caFile, 'utf8');
  for (const { invite, body, hash, mailbox } of agreed) {
    const { node, keys } = invite;
    const { agentPublicKey } = body.parts;
    const answer = { cluster, node, agentPublicKey, offer: hash, config: agentConfig(text, cluster, node) };
    await mailbox.answer(sealAnswer({ ...answer, signingPublicKey, vaultCa }, keys));
  }
}

/** @throws DrError NotApproved, InvalidInput */
async function agrees(
  { fingerprint: given, json }: ConfirmOptions,
  fingerprint: string,
  node: string,
): Promise<boolean> {
  if (given.includes(fingerprint)) return true;
  if (given.length > 0) {
    throw new DrError('NotApproved', `The agent that waits for ${node} has another fingerprint: ${fingerprint}.`, {
      where: node,
      advice:
        'Nothing was changed. If its host shows one of yours, somebody else has the token: create a new one, and find out who.',
    });
  }
  if (json || !process.stdin.isTTY) {
    throw new DrError('InvalidInput', 'Nobody is there to compare the fingerprint.', {
      advice: 'Nothing was changed. Give the one that the host shows: --fingerprint SHA256:…',
    });
  }
  return promptYes(`Does the host of ${node} show ${fingerprint}?`);
}

/** @returns the path of the previous content; null when nothing was to be written. @throws DrError NotYet when somebody changed it meanwhile */
async function writeConfig(file: string, before: string, after: string): Promise<string | null> {
  if (before === after) return null;
  if ((await readFile(file, 'utf8')) !== before) {
    throw new DrError('InvalidConfiguration', `${file} has been changed meanwhile.`, {
      where: file,
      advice: 'Nothing was changed. Repeat the command.',
    });
  }
  const access = await stat(file);
  const backup = `${file}.before-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`;
  await writeFileAtomically(backup, before, access);
  await writeFileAtomically(file, after, access);
  return backup;
}

type TemporalClient = Awaited<ReturnType<typeof connectClient>>;

function mailboxOf(client: TemporalClient, { cluster, node, keys: { id } }: Invite) {
  return new EnrolmentMailbox(client, { cluster, node, id });
}

function nothingSent(cluster: string, node: string | undefined): DrError {
  const who = node === undefined ? `a node of ${cluster}` : node;
  return new DrError('NoSuchRun', `Nothing has come from the host of ${who} that was made with its token.`, {
    where: node ?? cluster,
    advice: 'Run `vault-dr enrol accept` on that host, with the token. Open tokens: vault-dr enrol list',
  });
}

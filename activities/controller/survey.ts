import { createPrivateKey, createPublicKey } from 'node:crypto';
import { verifyTrail } from '../../src/audit/audit-trail';
import { repositoryConfigOf } from '../../src/config/load';
import { isDrError } from '../../src/contract/failures';
import type { Validity } from '../../src/contract/host';
import type { ChosenGeneration } from '../../src/contract/plan';
import type { BackupSurvey, ControllerState, CopyLock } from '../../src/contract/readiness';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { lockOfCopy } from '../../src/repository/lock-of-copy';
import { certificateValidity } from '../../src/vault/reach/certificate-validity';
import { lastDrills } from '../../src/repository/keep/drills';
import { attempt, cancellation, withHeartbeats } from '../heartbeat';
import { chooseFrom, listEverywhere, type Shown } from './choose';
import { settingsOf } from './confirm';
import type { Controller } from './context';
import { newestFirst, restoresIn } from './measured';
import { auditFileOf } from './trail';

/** A connection that breaks says nothing of the backups: until this attempt the step is retried. */
const PATIENT_ATTEMPTS = 3;
/** What is older says nothing of today. */
const MOST_ROLL_CALLS = 100;
const MOST_PROBLEMS = 20;

/**
 * What a restore would load, read end to end, and what else is known of the backups and by this controller. That there is
 * nothing to load is a result, too.
 * @throws DrError that another attempt may not meet
 */
export async function surveyBackups(
  controller: Controller,
  { cluster }: ControllerInput<'surveyBackups'>,
): Promise<BackupSurvey> {
  const settings = settingsOf(controller, { cluster });
  const shown = await withHeartbeats('list', () => listEverywhere(controller, cluster, settings.repositories));
  const { unanswered, chain, untrusted } = shown;
  const answering = settings.repositories.filter((name) => !unanswered.some(({ repository }) => repository === name));
  const known = {
    newest: newestIn(shown),
    unanswered,
    chain,
    marks: untrusted,
    drills: lastDrills(shown.drills),
    restores: await withHeartbeats('read reports', () => restoresIn(controller, cluster, answering)),
    rollCalls: newestFirst(shown.rollCalls).slice(0, MOST_ROLL_CALLS),
    own: await withHeartbeats('read the audit trail', () => stateOf(controller, cluster)),
  };
  try {
    const chosen = await chooseFrom(controller, settings, shown, { generation: 'latest', asOf: null });
    return { ...known, chosen, problem: null, locks: await locksOf(controller, cluster, chosen) };
  } catch (error) {
    cancellation().throwIfAborted();
    if (!isDrError(error) || (error.retryable && attempt() < PATIENT_ATTEMPTS)) throw error;
    const { code, message: text, retryable } = error;
    return { ...known, chosen: null, problem: { code, text, retryable }, locks: [] };
  }
}

function newestIn({ copies, unread }: Shown): string | null {
  return (
    [...copies, ...unread]
      .map(({ generation }) => generation)
      .sort()
      .at(-1) ?? null
  );
}

/** Of what a restore needs of each good copy in a repository that locks: the manifest and the archive. */
async function locksOf(controller: Controller, cluster: string, chosen: ChosenGeneration): Promise<CopyLock[]> {
  const locking = chosen.healthy.filter((name) => 'objectLock' in repositoryConfigOf(controller.config, name));
  return Promise.all(locking.map((name) => lockIn(name)));

  async function lockIn(name: string): Promise<CopyLock> {
    try {
      const repository = await controller.repository(name);
      const until = await lockOfCopy(repository, chosen.copy);
      return { repository: name, until: until?.toISOString() ?? null, held: until === undefined, problem: null };
    } catch (error) {
      cancellation().throwIfAborted();
      return { repository: name, until: null, held: false, problem: (error as Error).message };
    }
  }
}

async function stateOf(controller: Controller, cluster: string): Promise<ControllerState> {
  const [signing, trail] = await Promise.all([signingState(controller), trailState(controller)]);
  const certificates = [...certificatesOf(controller, cluster), ...controller.connectionValidity()];
  return { controller: controller.name, ...signing, ...trail, certificates };
}

/** Those that it uses to reach Vault; each node may have its own. */
function certificatesOf(controller: Controller, cluster: string): Validity[] {
  const { tls, nodes } = controller.cluster(cluster);
  const named = [tls, ...nodes.map((node) => node.tls)].flatMap((one) =>
    one === undefined
      ? []
      : [
          { setting: 'tls.caFile', path: 'caFile' in one ? one.caFile : undefined },
          { setting: 'tls.certificateFile', path: one.certificateFile },
        ],
  );
  const files = new Map(named.flatMap(({ setting, path }) => (path === undefined ? [] : [[path, setting] as const])));
  return [...files].map(([path, setting]) => certificateValidity(setting, path));
}

async function signingState(
  controller: Controller,
): Promise<Pick<ControllerState, 'signingKeysMatch' | 'signingProblem'>> {
  try {
    const [own, known] = await Promise.all([controller.privateKey(), controller.publicKey()]);
    const signingKeysMatch = createPublicKey(createPrivateKey(own)).equals(createPublicKey(known));
    return { signingKeysMatch, signingProblem: null };
  } catch (error) {
    return { signingKeysMatch: null, signingProblem: isDrError(error) ? error.message : 'one of them is no PEM' };
  }
}

async function trailState(controller: Controller): Promise<Pick<ControllerState, 'trail' | 'trailProblem'>> {
  try {
    const { records, problems } = await verifyTrail(auditFileOf(controller));
    const said = problems.slice(0, MOST_PROBLEMS).map(({ line, problem }) => `line ${line} ${problem}`);
    return { trail: { records, problems: said }, trailProblem: null };
  } catch (error) {
    return { trail: null, trailProblem: (error as Error).message };
  }
}

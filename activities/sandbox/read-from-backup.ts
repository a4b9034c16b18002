import { DrError } from '../../src/contract/failures';
import { formatBytes } from '../../src/contract/format';
import type { Recovered } from '../../src/contract/recovered';
import { MOST_SEALED_CHARACTERS, type PathRead, type SecretsRead } from '../../src/contract/secret-run';
import type { SandboxInput } from '../../src/contract/step-input/sandbox';
import { parseWanted } from '../../src/contract/wanted';
import { encryptArmored } from '../../src/crypto/age';
import { signSecretsRead } from '../../src/crypto/agent-key';
import { problemsOfSecretApproval } from '../../src/crypto/approved-plan';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import { secretPlanHash } from '../../src/plan/hash';
import { type PathFound, recover } from '../../src/recover/recover';
import { askedAt } from '../caller';
import { cancellation, withHeartbeats } from '../heartbeat';
import { firstThatAnswers, openAll } from './chosen';
import type { SandboxHost } from './context';

type Input = SandboxInput<'readFromBackup'>;

/**
 * Reads what people have approved, in a sandbox that ends with this step, whatever happens. What leaves it is encrypted to the
 * recipients that they have seen.
 */
export function readFromBackup(host: SandboxHost, input: Input): Promise<SecretsRead> {
  const { claim, plan } = input;
  const planHash = secretPlanHash(plan);
  assertApproved(host, input, planHash);
  const { generation, manifestSha256 } = plan;
  const signal = cancellation();
  return withHeartbeats('wait for another sandbox on this host', (report) =>
    host.oneAtATime(signal, async () => {
      // Before anything is fetched: where the identity is lost, other shares are needed.
      const shares = await openAll(host, claim.run, input.shares);
      const chosen = { claim, generation, manifestSha256, repositories: input.repositories };
      const { repository, copy } = await firstThatAnswers(host, chosen, signal);
      const { recovered, byPath, serverVersion } = await recover({
        cluster: host.cluster(claim.cluster),
        sandbox: host.sandbox,
        stateDir: host.config.stateDir,
        repository,
        copy,
        wanted: plan.paths.map(parseWanted),
        versions: plan.versions,
        deleted: plan.deleted,
        askShare: (given) => shareAt(shares, given),
        signal,
        onPhase: (phase) => report(phase),
      });
      const paths = byPath.map(shownOf);
      if (recovered.items.length === 0) throw nothingThere(paths);
      const sealed = await sealFor(recovered, plan.recipients);
      const { clusterId } = copy.manifest;
      const read = { repository: repository.name, clusterId, serverVersion, paths, sealed };
      const about = { cluster: claim.cluster, run: claim.run, host: host.name, planHash };
      return { ...read, signature: signSecretsRead(await ensureAgentKey(host.stateDir), about, read) };
    }),
  );
}

/** @throws DrError InvalidInput if it is too large for a history */
export async function sealFor(recovered: Recovered, recipients: readonly string[]): Promise<string> {
  const sealed = await encryptArmored(`${JSON.stringify(recovered, null, 2)}\n`, recipients);
  if (sealed.length > MOST_SEALED_CHARACTERS) throw tooMuch(sealed.length);
  return sealed;
}

function shareAt(shares: readonly string[], given: number): Promise<string> {
  const share = shares[given];
  if (share !== undefined) return Promise.resolve(share);
  return Promise.reject(new DrError('InvalidInput', `Only ${shares.length} shares were given to the sandbox.`));
}

/** By the configuration of this host, whatever the workflow says. @throws DrError NotApproved */
function assertApproved(host: SandboxHost, input: Input, planHash: string): void {
  const { claim, plan, expires } = input;
  const problems =
    plan.cluster === claim.cluster
      ? problemsOfSecretApproval(host.cluster(claim.cluster), claim.run, input, planHash)
      : [`the plan is for ${plan.cluster}, and the run for ${claim.cluster}`];
  // By Temporal's clock: that of the host may be days off.
  if (!(askedAt() < Date.parse(expires))) problems.push(`the approvals were valid until ${expires}`);
  if (problems.length === 0) return;
  throw new DrError('NotApproved', `${host.name} refused to read what nobody has approved: ${problems.join('; ')}.`, {
    notice: 'approval-not-valid-here',
    where: host.name,
    advice: `Nothing was read. Compare restore.approvers on ${host.name} with the controller's. If they match, somebody is tampering with the run: alert security.`,
  });
}

/** Histories are read by many, so they learn no name that nobody has typed. */
function shownOf({ path, items, missing }: PathFound): PathRead {
  const [only] = items;
  const versions = only?.kind === 'secret' && only.path === path ? only.versions : [];
  return {
    path,
    items: items.length,
    versions: versions.map(({ version, state, data }) => ({ version, state, recovered: data !== null })),
    missing: missing[0]?.reason ?? null,
  };
}

function nothingThere(paths: readonly PathRead[]): DrError {
  const why = paths.map(({ path, missing }) => `${path} (${missing ?? 'empty'})`).join(', ');
  return new DrError('NotInBackup', `Nothing of what was asked for is in the backup: ${why}.`, {
    advice: 'Compare the path with that of `vault kv get`, without data/. Try an older backup, or --deleted.',
  });
}

function tooMuch(characters: number): DrError {
  const most = formatBytes(MOST_SEALED_CHARACTERS);
  return new DrError(
    'InvalidInput',
    `The encrypted result has ${formatBytes(characters)}; a run can hand over ${most}.`,
    {
      notice: 'recovered-too-large',
      advice:
        'Ask for fewer paths or versions at once, or use `vault-dr recover` without --remote on a host with a sandbox.',
    },
  );
}

import { REFUSALS } from '../catalogue/refusals';
import type { FindingCode } from '../catalogue/refusals';
import { formatTime } from '../contract/format';
import type { NodeReport } from '../contract/host';
import { productName } from '../contract/product';
import type { ReadinessCheckName, ReadinessFinding } from '../contract/readiness';
import { rootTokenAdvice, rootTokenWantsToken } from '../contract/root-token';
import type { Finding } from '../plan/findings';
import { ownSealsText } from '../plan/own-seals';
import { productOfManifest } from '../plan/versions';
import type { Check, ReadinessFacts } from './facts';
import { listed, no, noBackup, unchecked, yes } from './finding';
import { OLD_AGENT, ofAll } from './hosts';

/** Which check a reason against a restore belongs to; any other one to `plan`, so that none is lost. */
const CHECK_OF: Partial<Record<FindingCode, ReadinessCheckName>> = {
  // An agent that does not answer is asked for by itself.
  'not-inspected': 'agents',
  login: 'login',
  'service-command': 'rights',
  'unit-masked': 'rights',
  'unit-missing': 'rights',
  'unit-not-loaded': 'rights',
  'unit-refuses-manual': 'rights',
  'unit-program': 'rights',
  'cannot-set-aside': 'rights',
  'old-agent': 'rights',
  'no-room': 'room',
  version: 'versions',
  'other-product': 'versions',
  'mixed-products': 'versions',
  'copy-newer': 'versions',
  'seal-mismatch': 'seal',
  'seal-unreachable': 'seal',
  reach: 'reach',
  'no-good-copy': 'copies',
  'copy-out-of-reach': 'copies-in-reach',
};

export const rights: Check = (facts) =>
  ofPlan(facts, 'rights', () =>
    ofAll(facts, uncheckedService, 'Vault can be stopped, set aside and started on every node'),
  );

export const room: Check = (facts) =>
  ofPlan(facts, 'room', () => ofAll(facts, nothing, 'there is room for the backup and its data on every node'));

export const versions: Check = (facts) =>
  ofPlan(facts, 'versions', () => {
    const reports = facts.inspections.flatMap(({ report }) => report ?? []);
    const [first] = reports;
    const runs = `${productName(first?.vault.product)} ${first?.vault.version ?? ''}`;
    const unknown = ({ vault }: NodeReport) => (vault.version === null ? 'the version of its Vault is unknown' : null);
    return ofAll(facts, unknown, `every node runs ${runs}, which can load the backup`);
  });

export const seal: Check = (facts) =>
  ofPlan(facts, 'seal', () => {
    const wanted = facts.backups.result?.chosen?.copy.manifest.seal.type ?? 'shamir';
    const well =
      wanted === 'shamir' ? 'it opens with the shares of the key holders' : `every node reaches the key of '${wanted}'`;
    const { ownSeals = [] } = facts.backups.result?.chosen?.copy.manifest ?? {};
    // As with those of the cluster, nobody but the holders knows whether they have their shares.
    const own = ownSeals.length === 0 ? '' : `; ${ownSealsText(ownSeals)}, which only their own key holders open`;
    return ofAll(facts, uncheckedSeal, `${well}${own}`);
  });

export const reach: Check = (facts) =>
  ofPlan(facts, 'reach', () =>
    ofAll(
      facts,
      ({ reach: found }) => (found === undefined ? OLD_AGENT : found.unchecked),
      'every agent reaches its Vault',
    ),
  );

/** vault-dr's own login: it must work now, and be the one that is in the backup. */
export const login: Check = (facts) =>
  ofPlan(facts, 'login', () => {
    const { live } = facts;
    const capturedAt = facts.backups.result?.chosen?.copy.manifest.capturedAt ?? '';
    if (live.result?.login === true)
      return yes(`vault-dr logs in, as the backup of ${formatTime(capturedAt)} knows it`);
    const seen = live.result?.problem ?? live.problem ?? 'no node could be asked';
    if (live.result?.login === false) return no(seen.replace(/\.$/, ''), todo(['login']));
    return unchecked(`the login was not tried: ${seen.replace(/\.$/, '')}`, 'vault-dr status shows how the nodes are.');
  });

export const copiesInReach: Check = (facts) =>
  ofPlan(facts, 'copies-in-reach', () =>
    ofAll(facts, nothing, `${facts.settings.nodes[0]?.name ?? 'the first node'} can fetch a good copy`),
  );

/** Everything else that would have a restore refused. */
export const plan: Check = (facts) =>
  ofPlan(facts, 'plan', () => ofAll(facts, uncheckedConfig, 'nothing else stands against a restore'));

/** Whether people can get in afterwards: by a login that the configuration names, which nobody can try, or by the keys alone. */
export const wayIn: Check = ({ inspections, settings, backups, live, policy }) => {
  if (policy.peopleLogin !== null) return yes(`people log in by what restore.peopleLogin names: ${policy.peopleLogin}`);
  const manifest = backups.result?.chosen?.copy.manifest;
  if (manifest === undefined) return noBackup();
  const first = settings.nodes[0]?.name ?? '';
  const report = inspections.find(({ node }) => node === first)?.report;
  const product = report?.vault.product ?? live.result?.product ?? productOfManifest(manifest);
  const version = report?.vault.version ?? manifest.serverVersion;
  if (version === null) return unchecked('the version of Vault is unknown', `Start the agent of ${first}.`);
  if (!rootTokenWantsToken(product, version) || report?.config?.rootTokenByKeys) {
    return yes('with the keys alone people can generate a root token');
  }
  return unchecked(
    `whether people can log in afterwards: on ${productName(product)} ${version} the keys alone make no root token`,
    `Keep a login for administrators that depends on nothing that could be down, and name it in restore.peopleLogin; or: ${rootTokenAdvice(product, version)}`,
  );
};

function ofPlan(
  { findings, settings }: ReadinessFacts,
  check: ReadinessCheckName,
  otherwise: () => ReadinessFinding,
): ReadinessFinding {
  if (findings === null) {
    return noBackup();
  }
  const found = findings.filter((finding) => checkOf(finding) === check);
  if (found.length === 0) return otherwise();
  return no(
    listed(found.map(({ text }) => text)),
    todo(
      found.map(({ code }) => code),
      settings.cluster,
    ),
  );
}

function checkOf({ code }: Finding): ReadinessCheckName {
  return CHECK_OF[code] ?? 'plan';
}

/** The first thing that the catalogue says to do about each. */
function todo(codes: readonly FindingCode[], cluster = 'CLUSTER'): string {
  const all = [...new Set(codes)];
  const steps = all.flatMap((code) => REFUSALS[code].todo[0]?.replaceAll('CLUSTER', cluster) ?? []);
  return `${steps.join(' ')} More: ${all.map((code) => `vault-dr explain ${code}`).join(', ')}`;
}

const nothing = () => null;

function uncheckedService({ serviceCheck }: NodeReport): string | null {
  const gaps = serviceCheck?.unchecked ?? [];
  return gaps.length === 0 ? null : gaps.join(', ');
}

function uncheckedSeal({ config, seal: { checked }, vault }: NodeReport): string | null {
  if (vault.sealType === null && config === null) return 'its seal is unknown';
  if (!config?.seal || checked) return null;
  return `whether its seal '${config.seal.type}' reaches its key could not be checked`;
}

function uncheckedConfig({ config }: NodeReport): string | null {
  if (config === null) return 'the configuration of its Vault, which is not under configFiles, could not be checked';
  return config.problems.length === 0 ? null : config.problems.join(', ');
}

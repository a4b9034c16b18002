import type { ManagedUnit, NodeReport, UnitReport } from '../contract/host';
import type { Finding } from './findings';

/**
 * What would prevent a node from being stopped, set aside or started: discovered later, the cluster would already be
 * down.
 */
export function serviceFindings({
  serviceCheck,
  setAsideProblem,
}: Pick<NodeReport, 'serviceCheck' | 'setAsideProblem'>): Finding[] {
  const { unit = null, missingCommands = [] } = serviceCheck ?? {};
  return [
    ...missingCommands.map((text): Finding => ({
      code: 'service-command',
      text: `the program of its service command does not exist or is not executable (${text})`,
    })),
    ...(unit === null ? [] : unitProblems(unit)),
    ...(setAsideProblem
      ? [{ code: 'cannot-set-aside' as const, text: `its data directory can't be set aside: ${setAsideProblem}` }]
      : []),
  ];
}

function unitProblems(unit: UnitReport): Finding[] {
  const { name, loadState, loadError, fileState, refusesManual, missingPrograms } = unit;
  const typed = shortName(name);
  switch (loadState) {
    case 'loaded':
      break;
    case 'masked': {
      const runtime = fileState === 'masked-runtime' ? '--runtime ' : '';
      return [
        {
          code: 'unit-masked',
          text: `its unit ${name} is masked, so Vault can't be started: \`systemctl unmask ${runtime}${typed}\`, unless it was masked on purpose`,
        },
      ];
    }
    case 'not-found':
      return [
        {
          code: 'unit-missing',
          text: `unit ${name} does not exist: install Vault and its unit, or correct \`service\` of this node`,
        },
      ];
    default:
      return [
        {
          code: 'unit-not-loaded',
          text: `its unit ${name} can't be loaded (${loadState}${loadError === null ? '' : `: ${loadError}`}): fix it, then \`systemctl daemon-reload\``,
        },
      ];
  }
  const refused = [...(refusesManual.stop ? ['stopped'] : []), ...(refusesManual.start ? ['started'] : [])];
  return [
    ...(refused.length > 0
      ? [
          {
            code: 'unit-refuses-manual' as const,
            text: `its unit ${name} can't be ${refused.join(' or ')} by hand (RefuseManualStart=, RefuseManualStop=): remove that setting`,
          },
        ]
      : []),
    ...missingPrograms.map((path): Finding => ({
      code: 'unit-program',
      text: `its unit ${name} starts ${path}, which does not exist or is not executable: install it`,
    })),
  ];
}

/** What does not prevent a plan, but is better fixed before it begins. */
export function serviceWarnings(inspections: readonly { node: string; report: NodeReport | null }[]): string[] {
  return inspections.flatMap(({ node, report }) => {
    if (report === null) return [];
    const { serviceCheck } = report;
    if (serviceCheck === undefined) {
      return [`${node}: not checked: whether its service can be stopped and started (an agent of an earlier version?)`];
    }
    const { unit, unchecked } = serviceCheck;
    return [
      ...(unit?.loadState === 'loaded' ? unitWarnings(unit) : []),
      ...(unchecked.length > 0 ? [`not checked: ${unchecked.join(', ')}`] : []),
    ].map((text) => `${node}: ${text}`);
  });
}

function unitWarnings({
  name,
  fileState,
  activeState,
  result,
  startLimit,
  needsReload,
  managed,
}: UnitReport): string[] {
  const typed = shortName(name);
  const limited = activeState === 'failed' && result === 'start-limit-hit';
  return [
    ...(fileState === 'disabled' || fileState === 'enabled-runtime'
      ? [`its unit ${name} is not enabled, so Vault will not start after a reboot: \`systemctl enable ${typed}\``]
      : []),
    ...(limited && managed === undefined
      ? [`its unit ${name} was started too often, and systemd has stopped trying: \`systemctl reset-failed ${typed}\``]
      : []),
    ...(activeState === 'failed' && !limited
      ? [
          `its unit ${name} has failed (${result ?? 'no reason given'}): see \`journalctl --unit=${typed}\`; unless its data is the cause, Vault will not start after the recovery either`,
        ]
      : []),
    // The driver resets the count before each start.
    ...(startLimit === null || managed !== undefined
      ? []
      : [
          `its unit ${name} allows only ${startLimit.starts} starts within ${startLimit.interval}, and a recovery may need more: set StartLimitIntervalSec=0`,
        ]),
    ...(needsReload
      ? [`the file of its unit ${name} has changed since it was loaded: \`systemctl daemon-reload\``]
      : []),
    ...(managed === undefined ? [] : managedWarnings(name, managed)),
  ];
}

function managedWarnings(name: string, { alsoStops, triggeredBy, holdProblem, heldBy }: ManagedUnit): string[] {
  const starters = triggeredBy.length === 0 ? 'a person or another unit' : triggeredBy.join(', ');
  return [
    ...(alsoStops.length > 0
      ? [
          `with its unit ${name} systemd stops ${alsoStops.join(', ')}, and starts that again for nobody: do so afterwards`,
        ]
      : []),
    ...(holdProblem === null
      ? []
      : [
          `not checked: whether something starts its unit ${name} while it must be stopped (${starters}): ${holdProblem}`,
        ]),
    ...(heldBy === null ? [] : [`its unit ${name} is kept stopped by run ${heldBy}, until that starts it or is over`]),
  ];
}

/** As typed on a command line. */
function shortName(name: string): string {
  return name.replace(/\.service$/, '');
}

import type { NodeReport, UnitReport } from '../contract/host';
import type { Finding } from './findings';

/** What would keep a node from being stopped, set aside or started: found out afterwards, the cluster would be down already. */
export function serviceFindings({ serviceCheck, setAsideProblem }: NodeReport): Finding[] {
  const { unit = null, missingCommands = [] } = serviceCheck ?? {};
  return [
    ...missingCommands.map((text) => `the program of its service command is not there or can't be run (${text})`),
    ...(unit === null ? [] : unitProblems(unit)),
    ...(setAsideProblem ? [`its data directory can't be set aside: ${setAsideProblem}`] : []),
  ].map((text) => ({ text }));
}

function unitProblems(unit: UnitReport): string[] {
  const { name, loadState, loadError, fileState, refusesManual, missingPrograms } = unit;
  const typed = shortName(name);
  switch (loadState) {
    case 'loaded':
      break;
    case 'masked': {
      const runtime = fileState === 'masked-runtime' ? '--runtime ' : '';
      return [
        `its unit ${name} is masked, so Vault can't be started: \`systemctl unmask ${runtime}${typed}\`, if nobody masked it on purpose`,
      ];
    }
    case 'not-found':
      return [`there is no unit ${name}: install Vault and its unit, or correct \`service\` of this node`];
    default:
      return [
        `its unit ${name} can't be loaded (${loadState}${loadError === null ? '' : `: ${loadError}`}): fix it, then \`systemctl daemon-reload\``,
      ];
  }
  const refused = [...(refusesManual.stop ? ['stopped'] : []), ...(refusesManual.start ? ['started'] : [])];
  return [
    ...(refused.length > 0
      ? [
          `its unit ${name} must not be ${refused.join(' or ')} by hand (RefuseManualStart=, RefuseManualStop=): take that out`,
        ]
      : []),
    ...missingPrograms.map((path) => `its unit ${name} starts ${path}, which is not there or can't be run: install it`),
  ];
}

/** What does not stand against a plan, and is better put right before it begins. */
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

function unitWarnings({ name, fileState, activeState, result, startLimit, needsReload }: UnitReport): string[] {
  const typed = shortName(name);
  const limited = activeState === 'failed' && result === 'start-limit-hit';
  return [
    ...(fileState === 'disabled' || fileState === 'enabled-runtime'
      ? [`its unit ${name} is not enabled, so Vault does not come back after a reboot: \`systemctl enable ${typed}\``]
      : []),
    ...(limited
      ? [`its unit ${name} was started too often, and systemd has given it up: \`systemctl reset-failed ${typed}\``]
      : []),
    ...(activeState === 'failed' && !limited
      ? [
          `its unit ${name} has failed (${result ?? 'no reason given'}): \`journalctl --unit=${typed}\` says why; if it is not its data, Vault will not start afterwards either`,
        ]
      : []),
    ...(startLimit === null
      ? []
      : [
          `its unit ${name} gives up after ${startLimit.starts} starts within ${startLimit.interval}, and a recovery may start Vault more often: set StartLimitIntervalSec=0`,
        ]),
    ...(needsReload
      ? [`the file of its unit ${name} has changed since it was loaded: \`systemctl daemon-reload\``]
      : []),
  ];
}

/** As people type it. */
function shortName(name: string): string {
  return name.replace(/\.service$/, '');
}

import { renderRecovery, renderReport } from '../../../src/cli/recovery-view';
import type { RecoveryProgress } from '../../../src/contract/recovery';
import { commandsOf } from '../../../src/contract/voice/commands';
import { headlineOf } from '../../../src/contract/voice/headline';
import { nextStep, progressLine } from '../../../src/contract/voice/one-line';
import { describeReport } from '../../../src/contract/voice/report-text';
import { reportMarkdown } from '../../../src/report/report-markdown';
import { recoveryDetails } from '../../../workflows/run/recovery-details';
import { NOW, PARKED, progressWith, reportWith, RETRYING, SHARES, START } from '../../support/run-samples';

const STOPPED = { phase: 'stop', startedAt: START, finishedAt: START, humanSeconds: 0 } as const;
const JOINING = progressWith({
  phase: 'join',
  phases: [STOPPED, { phase: 'join', startedAt: START, finishedAt: null, humanSeconds: 0 }],
  nodes: [
    { name: 'vault-1', role: 'first', state: 'unsealed', detail: null },
    { name: 'vault-2', role: 'follower', state: 'joining', detail: null },
  ],
});
const parked = (...choices: (typeof PARKED)['choices']) =>
  progressWith({
    status: 'parked',
    phase: 'join',
    phases: [STOPPED],
    waitingFor: 'operator',
    parked: [{ ...PARKED, choices, skippable: choices.includes('skipNode') ? ['vault-2', 'vault-3'] : [] }],
  });

const APPROVE = 'vault-dr approve --cluster prod --plan 3f9c1e07ab52';
const ABORT = 'vault-dr abort --cluster prod';
const UNSEAL = 'vault-dr unseal --cluster prod';
const RESUME = 'vault-dr resume --cluster prod';
const ROLL_BACK = 'vault-dr roll-back --cluster prod';
const skip = (node: string) => `vault-dr skip-node --cluster prod --node ${node}`;

const STATES: [string, RecoveryProgress, string, string[]][] = [
  ['running', progressWith(), 'running: stage', []],
  ['a step that keeps failing', progressWith({ retrying: [RETRYING] }), 'running: stage, but a step keeps failing', []],
  ['a step that waits', progressWith({ retrying: [{ ...RETRYING, code: 'NotYet' }] }), 'running: stage', []],
  ['a slow join', JOINING, 'running: join', [skip('vault-2')]],
  [
    'waiting for approval',
    progressWith({ status: 'waiting', phase: 'approve', waitingFor: 'approval' }),
    'waits for approval (0 of 2)',
    [APPROVE, ABORT],
  ],
  [
    'waiting for shares',
    progressWith({ status: 'waiting', phase: 'unseal', waitingFor: 'shares', shares: SHARES }),
    'waits for key holders (1 of 3)',
    [UNSEAL],
  ],
  [
    'behind a fence',
    progressWith({ status: 'waiting', phase: 'verify', waitingFor: 'goLive' }),
    'waits for go-live, behind a fence',
    ['vault-dr go-live --cluster prod', ROLL_BACK],
  ],
  ['parked with nothing but to resume', parked('resume'), 'parked in join, needs a decision', [RESUME]],
  [
    'parked with all choices',
    parked('resume', 'skipNode', 'rollBack', 'abort'),
    'parked in join, needs a decision',
    [RESUME, skip('vault-2'), skip('vault-3'), ROLL_BACK, ABORT],
  ],
  [
    'parked while others wait for shares',
    { ...parked('resume', 'rollBack'), waitingFor: 'shares', shares: SHARES },
    'parked in join, needs a decision',
    [RESUME, ROLL_BACK, UNSEAL],
  ],
  ['completed', progressWith({ status: 'completed' }), 'completed', []],
  ['planned', progressWith({ status: 'planned' }), 'planned; nothing was changed', []],
  [
    'rolled back',
    progressWith({ status: 'rolled back', phases: [STOPPED] }),
    'rolled back; the previous data directories are in place',
    [],
  ],
  ['aborted', progressWith({ status: 'aborted' }), 'aborted; no node was stopped', []],
  [
    'aborted with changes',
    progressWith({ status: 'aborted', phases: [STOPPED] }),
    'aborted; some nodes may be partly changed',
    [],
  ],
  ['refused', progressWith({ status: 'refused' }), 'refused; nothing was changed', []],
];

const SHOWN_BY: Record<string, (progress: RecoveryProgress) => string> = {
  screen: (progress) => renderRecovery(progress, NOW),
  details: recoveryDetails,
  line: (progress) => progressLine(progress, NOW),
  notification: nextStep,
};

/** What there is to type, but for where more is to be read. */
function commandsIn(text: string): string[] {
  const commands = text.match(/vault-dr [a-z-]+ --cluster prod(?: --(?:plan|node|run) [\w-]+)?/g) ?? [];
  return commands.filter((command) => !/^vault-dr (status|report) /.test(command));
}

describe('every renderer', () => {
  it.each(STATES)('has the same headline and commands: %s', (_what, progress, headline, commands) => {
    const texts = Object.entries(SHOWN_BY).map(([renderer, show]) => [renderer, show(progress)] as const);

    expect(headlineOf(progress).text).toBe(headline);
    for (const [renderer, text] of texts) {
      expect({ renderer, text }).toEqual({ renderer, text: expect.stringContaining(headline) as string });
      expect({ renderer, commands: commandsIn(text) }).toEqual({ renderer, commands });
    }
  });

  it.each(STATES.filter(([, { status }]) => !['running', 'waiting', 'parked'].includes(status)))(
    'says the same of the end: %s',
    (_what, progress, headline) => {
      const report = reportWith({ ...progress, rpoSeconds: null, backup: null });
      const page = reportMarkdown(report);
      const [result] = describeReport(report).outcome;

      expect(page).toContain(`# Restore of prod: ${headline}\n\n${result}\n`);
      expect(renderReport(report)).toContain(result);
    },
  );

  it('says how to delete what a run has left', () => {
    const removal = 'vault-dr remove-set-aside --cluster prod --run run-1';

    for (const report of [reportWith(), reportWith({ status: 'rolled back', phases: [STOPPED], setAside: [] })]) {
      expect(commandsIn(renderReport(report))).toEqual([removal]);
      expect(commandsIn(reportMarkdown(report))).toEqual([removal]);
    }
  });

  it('says nothing was lost only where data came back', () => {
    const rebuilt = reportWith({ method: 'rebuild', rpoSeconds: null });

    expect(reportMarkdown(rebuilt)).toContain('| RPO | nothing was lost |');
    expect(reportMarkdown({ ...rebuilt, method: 'remove' })).not.toContain('RPO');
    expect(reportMarkdown({ ...rebuilt, status: 'rolled back' })).not.toContain('RPO');
  });

  it('gives the reasons why a run is parked', () => {
    for (const show of Object.values(SHOWN_BY)) {
      expect(show(parked('resume'))).toMatch(
        /vault-2(\*\*)?: Vault does not start \\?\[ServiceFailed\\?\]\.\s+Read Vault's log\./,
      );
    }
  });

  it('says what is wrong with shares of which there are enough', () => {
    const problem = 'The shares of ann, bob, eve together do not unseal Vault.';
    const progress = progressWith({ status: 'waiting', waitingFor: 'shares', shares: { ...SHARES, problem } });

    for (const show of Object.values(SHOWN_BY)) expect(show(progress)).toContain(problem);
  });
});

describe('a join', () => {
  it('can be left out by whoever sees no clock', () => {
    const soon = Date.parse(START) + 1_000;

    expect(renderRecovery(JOINING, soon)).not.toContain('skip-node');
    expect(recoveryDetails(JOINING)).toContain(skip('vault-2'));
    expect(recoveryDetails({ ...JOINING, method: 'rebuild' })).not.toContain('skip-node');
  });
});

describe('commands', () => {
  const stock = (progress: RecoveryProgress) => commandsOf(progress, NOW).map((command) => command.stock.join('\n'));
  const update = 'temporal workflow update execute --workflow-id restore-prod';

  it('are there for the stock CLI, too', () => {
    expect(stock(parked('resume', 'skipNode'))).toEqual([
      `${update} --name resume --input '{"operator":"YOUR NAME"}'`,
      `${update} --name skipNode --input '{"operator":"YOUR NAME","node":"vault-2"}'`,
      `${update} --name skipNode --input '{"operator":"YOUR NAME","node":"vault-3"}'`,
    ]);
    expect(stock(progressWith({ status: 'waiting', waitingFor: 'approval' }))[0]).toBe(
      `${update} --name approve --input '{"approver":"YOUR NAME","planHash":"3f9c1e07ab52"}'`,
    );
  });

  it('do nothing but what they say when what stands in them is hostile', () => {
    const recipients = [{ node: 'vault-1', recipient: "age1x'; rm -rf / #\n", signature: '' }];
    const [text = ''] = stock(progressWith({ status: 'waiting', waitingFor: 'shares', shares: SHARES, recipients }));

    expect(text).toContain(`  -r 'age1x'\\''; rm -rf / #\n' \\`);
  });
});

describe('hostile values', () => {
  const HIDDEN = ['\u202E', '\u200B', '\u001b'];
  const evil = '`x`\n\n# Restored | <script>alert(1)</script> [go](https://evil) \u202E\u200B\u001b[2J\n```';
  const escaped =
    '\\`x\\` # Restored \\| \\<script\\>alert(1)\\</script\\> \\[go\\](https://evil) \\\\u{202E}\\\\u{200B}\\\\u{1B}\\[2J \\`\\`\\`';
  const shares = {
    required: 3,
    accepted: [{ holder: evil, at: START }],
    refused: [{ holder: evil, at: START, reason: evil }],
    problem: evil,
  };
  const progress = progressWith({
    status: 'parked',
    waitingFor: 'shares',
    shares,
    nodes: [{ name: 'vault-1', role: 'first', state: 'joining', detail: evil }],
    parked: [{ ...PARKED, problem: evil, advice: evil }],
    recipients: [{ node: 'vault-1', recipient: evil, signature: '' }],
    rollBack: { by: evil, at: START, from: 'join' },
  });
  const error = { at: START, phase: 'join', node: 'vault-1', code: 'X', problem: evil, outcome: `resumed by ${evil}` };
  const report = reportWith({
    ...progress,
    status: 'rolled back',
    requestedBy: evil,
    approvals: [{ approver: evil, at: START }],
    errors: [{ ...error, phase: 'join' }],
    setAside: [{ node: 'vault-1', path: evil }],
    removed: [{ node: 'vault-1', path: evil, sizeBytes: 1 }],
    backup: { problem: evil },
    warnings: [evil],
  });

  // Shares, a refusal with its reason, what is wrong with them, the node, the parked step, and the roll-back.
  it.each([
    ['the details of a run', recoveryDetails(progress), 8],
    // Who asked, approved, unsealed and rolled back; the backup, the node, the error, two paths and a warning.
    ['a report', reportMarkdown(report), 11],
  ])('stay values in %s', (_what, text, times) => {
    const prose = text.replaceAll(/^(`{3,})\n[^]*?\n\1$/gm, '');

    expect(prose.split(escaped)).toHaveLength(times + 1);
    for (const character of ['`', '<', ...HIDDEN]) expect(prose.replaceAll(escaped, '')).not.toContain(character);
    expect(text.match(/^#.*$/gm)).toEqual(text.match(/^(#+ (Restore of prod.*|[A-Z][a-z]+( that was kept)?)|# or)$/gm));
  });

  it('stay on their line in a terminal', () => {
    const shown = printableOf(evil);
    const texts = [
      renderRecovery(progress, NOW),
      renderReport(report),
      nextStep(progress),
      progressLine(progress, NOW),
    ];

    for (const text of texts) {
      expect(text).toContain(shown);
      expect(text).not.toMatch(/^# Restored|^```/m);
      for (const character of HIDDEN) expect(text).not.toContain(character);
    }
    expect(nextStep(progress)).not.toContain('\n');
    expect(progressLine(progress, NOW)).not.toContain('\n');
  });
});

function printableOf(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('\u202E', '\\u{202E}')
    .replaceAll('\u200B', '\\u{200B}')
    .replaceAll('\u001b', '\\u{1B}');
}

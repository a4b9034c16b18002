import { renderDrill } from '../../../src/cli/drill';
import { renderRollCall } from '../../../src/cli/roll-call';
import { armored, rendered } from '../../../src/cli/secret-run-view';
import { encryptArmored, generateIdentity } from '../../../src/crypto/age';

/** Clears a screen. */
const CLEAR = '\u001B[2J';

/** Whoever may start a run has it end with what they like. */
describe('what a run in a sandbox reports', () => {
  it('acts upon no screen, of a drill', () => {
    const text = renderDrill('prod', {
      level: 'restored',
      generation: CLEAR,
      repository: CLEAR,
      serverVersion: CLEAR,
      targets: 1,
      unresolved: [CLEAR],
      canary: 'not checked',
      canaryProblem: CLEAR,
      leases: { leases: 0, staticRoles: 0, problem: CLEAR },
      checks: [{ check: 'hook', outcome: 'passed', detail: CLEAR }],
      phases: [{ phase: CLEAR as 'fetch', milliseconds: 1 }],
      marked: [CLEAR],
    });

    expect(text.match(/\\u\{1B\}\[2J/g)).toHaveLength(9);
    expect(text).not.toContain(CLEAR);
  });

  it('acts upon no screen, of a roll-call', () => {
    const text = renderRollCall({
      cluster: CLEAR,
      run: 'run',
      requestedBy: 'ana',
      startedAt: '2026-11-23T04:00:00Z',
      finishedAt: '2026-11-23T05:00:00Z',
      host: CLEAR,
      generation: CLEAR,
      manifestSha256: '0'.repeat(64),
      repository: CLEAR,
      keys: CLEAR as 'unseal',
      shares: 5,
      threshold: 3,
      holders: [{ holder: CLEAR, outcome: 'right', shares: 1 }],
      serverVersion: null,
      sets: 2,
      standing: { wanted: 4, proven: 1, enough: false, everyDays: 90, holders: [] },
      marked: [CLEAR],
      phases: [],
      notProved: null,
      warnings: [CLEAR],
    });

    expect(text.match(/\\u\{1B\}\[2J/g)).toHaveLength(8);
    expect(text).not.toContain(CLEAR);
  });

  it('acts upon no screen, of what reads single secrets', () => {
    const of = { version: 1, state: CLEAR as 'readable', recovered: true };
    const report = {
      cluster: CLEAR,
      run: 'run',
      requestedBy: 'ana',
      startedAt: '2026-11-23T04:00:00Z',
      finishedAt: '2026-11-23T05:00:00Z',
      host: CLEAR,
      repository: CLEAR,
      clusterId: null,
      serverVersion: null,
      planHash: '0'.repeat(64),
      plan: {
        method: 'secret' as const,
        cluster: 'prod',
        generation: CLEAR,
        manifestSha256: '0'.repeat(64),
        paths: [],
        versions: 'latest' as const,
        deleted: false,
        recipients: [],
        approvals: 1,
        trust: 'approvers' as const,
      },
      paths: [
        { path: CLEAR, items: 1, versions: [of], missing: null },
        { path: CLEAR, items: 0, versions: [], missing: CLEAR as 'not-there' },
      ],
      sealed: `one\n${CLEAR}`,
      signature: '',
      approvals: [],
      machineSeconds: 1,
      humanSeconds: 1,
      warnings: [CLEAR],
    };

    const text = `${rendered(report)}\n${armored(report)}`;

    expect(text.match(/\\u\{1B\}\[2J/g)).toHaveLength(10);
    expect(text).not.toContain(CLEAR);
  });

  it('is the file itself where it is one', async () => {
    const sealed = await encryptArmored('a secret '.repeat(50), [(await generateIdentity()).recipient]);

    expect(armored({ sealed })).toBe(sealed);
  });
});

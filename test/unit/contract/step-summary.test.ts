import { CONTROLLER_INPUTS } from '../../../src/contract/step-input/controller';
import { NODE_INPUTS } from '../../../src/contract/step-input/node';
import { SANDBOX_INPUTS, type SandboxStep } from '../../../src/contract/step-input/sandbox';
import { controllerSummary, nodeSummary, oneLine, sandboxSummary } from '../../../src/contract/voice/step-summary';
import { earlierHistories, recordedHistories, recordedSteps } from '../../replay/history';

const CONTROLLER_STEPS = Object.keys(CONTROLLER_INPUTS) as (keyof typeof CONTROLLER_INPUTS)[];
const NODE_STEPS = Object.keys(NODE_INPUTS) as (keyof typeof NODE_INPUTS)[];

describe('one line about a step', () => {
  it.each([
    [nodeSummary('stopNode', 'vault-2', {}), 'stop vault-2'],
    [nodeSummary('setAsideData', 'vault-2', { how: 'rename' }), 'set the data of vault-2 aside'],
    [nodeSummary('setAsideData', 'vault-2', { how: 'delete' }), 'delete the data of vault-2'],
    [nodeSummary('unsealNode', 'vault-2', { shares: ['secret-a', 'secret-b'] }), 'unseal vault-2 with 2 shares'],
    [nodeSummary('extendLeases', 'vault-2', { minutes: 120 }), 'give leases at least 120 min more on vault-2'],
    [
      controllerSummary('recordAudit', { action: 'restore.approve', actor: 'ben', outcome: 'success', details: {} }),
      'audit: approve by ben',
    ],
    [
      controllerSummary('recordAudit', {
        action: 'restore.phase',
        actor: 'vault-dr',
        outcome: 'failure',
        details: { phase: 'stop' },
      }),
      'audit: phase stop (failure)',
    ],
    [controllerSummary('notify', { event: 'shares wanted', text: 'long' }), 'notify: shares wanted'],
  ])('%s', (summary, expected) => {
    expect(summary).toBe(expected);
  });

  it('is there for every step of every recorded run, with nothing that is missing', async () => {
    const names = [...(await recordedHistories()), ...(await earlierHistories())];
    const seen = new Set<string>();
    for (const name of names) {
      for (const { step, args } of await recordedSteps(name)) {
        const summary = summaryOf(step, args[0]);
        expect({ name, step, summary }).toEqual({
          name,
          step,
          summary: expect.not.stringMatching(/undefined|\[object/),
        });
        expect({ name, step, isSaid: summary === step }).toEqual({ name, step, isSaid: false });
        seen.add(step);
      }
    }
    expect(seen.size).toBeGreaterThan(35);
  });

  it('holds no share, whatever it is about', async () => {
    const share = '-----BEGIN AGE ENCRYPTED FILE-----';
    const input = { share, shares: [share], recipients: [], claim: {} };

    for (const step of NODE_STEPS) expect(nodeSummary(step, 'vault-1', input)).not.toContain('AGE');
  });

  it('falls back on the name of the step, for that has to be asked for all the same', () => {
    for (const step of NODE_STEPS) expect(nodeSummary(step, 'vault-1', undefined)).not.toBe('');
    expect(nodeSummary('unsealNode', 'vault-1', undefined)).toBe('unsealNode');
    for (const step of CONTROLLER_STEPS) expect(controllerSummary(step, null)).not.toBe('');
    expect(controllerSummary('recordAudit', null)).toBe('recordAudit');
  });
});

describe('a text for a summary', () => {
  it('is on one line, and nothing in it acts upon a screen or is taken for Markdown', () => {
    expect(oneLine('a\nb\u202Ec <script> [x](http://evil)')).toBe('a b\\\\u{202E}c \\<script\\> \\[x\\](http://evil)');
  });

  it.each([
    ['long', 'x'.repeat(1_000_000)],
    ['wide', '\u{1F512}'.repeat(200)],
    ['made of quotes', '"'.repeat(200)],
    ['hidden', '\u{E0041}'.repeat(200)],
    ['half of characters', '\uD83D'.repeat(200)],
  ])('is short where it is %s', (_what, text) => {
    const line = oneLine(text);

    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(310);
    expect(line.endsWith('…')).toBe(true);
  });

  it('is whole where it is short enough', () => {
    expect(oneLine('ü'.repeat(120))).toBe('ü'.repeat(120));
  });
});

function summaryOf(step: string, input: unknown): string {
  if (step in CONTROLLER_INPUTS) return controllerSummary(step as keyof typeof CONTROLLER_INPUTS, input);
  if (step in SANDBOX_INPUTS) return sandboxSummary(step as SandboxStep, input);
  return nodeSummary(step as keyof typeof NODE_INPUTS, 'vault-1', input);
}

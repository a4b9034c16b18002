import { CONTROLLER_INPUTS } from '../../../../src/contract/step-input/controller';
import { NODE_INPUTS } from '../../../../src/contract/step-input/node';
import { parseStepInput } from '../../../../src/contract/step-input/parse';
import { SANDBOX_INPUTS } from '../../../../src/contract/step-input/sandbox';
import { earlierHistories, recordedHistories, recordedSteps } from '../../../replay/history';

const INPUTS = { ...CONTROLLER_INPUTS, ...NODE_INPUTS, ...SANDBOX_INPUTS };

/** Names that were changed since the histories were recorded; outside of a plan `recovery` is a manifest's, or of a copy. */
const RENAMED: Record<string, string> = { look: 'inspection', looks: 'inspections' };

describe('what the runs of this product ask of their steps', () => {
  it('is taken, and comes out as it went in', async () => {
    const asked = new Set<string>();
    for (const name of [...(await recordedHistories()), ...(await earlierHistories())]) {
      for (const { step, args: recorded } of await recordedSteps(name)) {
        const args = recorded.map(withTodaysNames);
        asked.add(step);
        expect({ name, step, args: parseStepInput(step, INPUTS, args) }).toEqual({ name, step, args });
      }
    }
    expect(asked.size).toBeGreaterThan(40);
  });
});

function withTodaysNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTodaysNames);
  if (typeof value !== 'object' || value === null) return value;
  const isManifest = 'format' in value || 'archive' in value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = key === 'recovery' && !isManifest ? 'recoveryConfig' : key;
      return [RENAMED[name] ?? name, withTodaysNames(item)];
    }),
  );
}

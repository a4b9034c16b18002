import { assertOwn } from '../../../src/cli/recover-run';
import type { SecretPlan } from '../../../src/contract/secret-run';
import { SECRET_PLAN } from '../../support/secret-plan';
import { thrownBy } from '../../support/thrown';

describe('what a run for single secrets returns', () => {
  const { cluster, paths, versions, deleted, recipients, generation } = SECRET_PLAN;
  const asked = { cluster, paths, versions, deleted, recipients, generation };
  const answer = (plan: Partial<SecretPlan> = {}, run = 'run-1') => ({ run, plan: { ...SECRET_PLAN, ...plan } });

  it('is what was asked for, of the backup that was named or of the latest', () => {
    expect(() => assertOwn(answer(), asked, 'run-1')).not.toThrow();
    expect(() => assertOwn(answer(), { ...asked, generation: 'latest' }, 'run-1')).not.toThrow();
  });

  it.each<[string, ReturnType<typeof answer>]>([
    ['another run', answer({}, 'run-0')],
    ['another cluster', answer({ cluster: 'staging' })],
    ['another path', answer({ paths: ['secret/app/other'] })],
    ['other versions', answer({ versions: 'all' })],
    ['deleted versions as well', answer({ deleted: true })],
    ['another recipient', answer({ recipients: [...recipients, 'age1eve'] })],
    ['another backup', answer({ generation: '20261122T040000Z-000000000041-0a1b2c3d' })],
  ])('is refused where it is of %s', (_of, returned) => {
    expect(thrownBy(() => assertOwn(returned, asked, 'run-1'))).toMatchObject({ code: 'RecipientNotAuthentic' });
  });
});

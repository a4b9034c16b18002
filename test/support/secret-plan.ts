import type { SecretPlan } from '../../src/contract/secret-run';

/** What a run that reads single secrets asks approvers for. */
export const SECRET_PLAN: SecretPlan = {
  method: 'secret',
  cluster: 'prod',
  generation: '20261123T040000Z-000000000042-0a1b2c3d',
  manifestSha256: 'ab'.repeat(32),
  paths: ['secret/app/db'],
  versions: 'latest',
  deleted: false,
  recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
  approvals: 1,
  trust: 'approvers',
};

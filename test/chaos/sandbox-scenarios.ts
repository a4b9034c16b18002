import { readFile } from 'node:fs/promises';
import type { DrillReport } from '../../src/contract/drill';
import type { RollCallReport } from '../../src/contract/roll-call';
import type { SecretReport } from '../../src/contract/secret-run';
import { CLUSTER } from '../../src/lab/layout';
import { startDrill, startRollCall, startSecretRun } from '../../src/temporal/runs';
import { makeSandboxHost } from '../support/sandbox-host';
import { type ChaosLab, unsealEverywhere } from './chaos-lab';
import { attendSandbox } from './people';
import { persistently } from './persistence';
import type { Scenario } from './scenario';

/** What is read is for somebody who does not exist. */
const NOBODYS = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

/** The controller is the sandbox host, so that with it dies what it has fenced. No node has to do with these runs. */
const sandboxRun = {
  slow: false,
  spared: ['agent-a', 'agent-b', 'vault-a', 'vault-b'],
  unsealedUntil: null,
  newGenerations: 0,
  async prepare(chaos: ChaosLab): Promise<void> {
    await unsealEverywhere(chaos);
    const { configFile } = chaos.lab;
    if (!(await readFile(configFile, 'utf8')).includes('sandboxHosts')) await makeSandboxHost(chaos.lab);
  },
} satisfies Partial<Scenario>;

export const SANDBOX_SCENARIOS: readonly Scenario[] = [
  {
    ...sandboxRun,
    name: 'drill',
    activities: ['chooseForDrill', 'prepareSandbox', 'checkSandboxShare', 'rehearse', 'endSandboxRun'],
    begin: ({ client }) =>
      persistently(Date.now() + 10_000, () =>
        startDrill(client, { cluster: CLUSTER, requestedBy: 'ana', unseal: true }),
      ),
    attend: (chaos, handle, isOver) => attendSandbox(chaos, handle, isOver),
    evaluate(_chaos, result) {
      const { level, canary, notProved } = result as DrillReport;
      return [
        ...(level === 'restored' ? [] : [`the backup was ${level} only: ${notProved}`]),
        ...(canary === 'read' ? [] : ['the canary was not read']),
      ];
    },
  },
  {
    ...sandboxRun,
    name: 'roll-call',
    activities: ['chooseForDrill', 'prepareSandbox', 'checkSandboxShare', 'tryShares', 'endSandboxRun'],
    begin: ({ client }) =>
      persistently(Date.now() + 10_000, () => startRollCall(client, { cluster: CLUSTER, requestedBy: 'ana' })),
    attend: (chaos, handle, isOver) => attendSandbox(chaos, handle, isOver),
    evaluate(_chaos, result) {
      const { holders, marked } = result as RollCallReport;
      return [
        ...holders.filter(({ outcome }) => outcome !== 'right').map(({ holder, outcome }) => `${holder}: ${outcome}`),
        ...(marked.length > 0 ? [] : ['no repository has the mark']),
      ];
    },
  },
  {
    ...sandboxRun,
    name: 'recover',
    activities: [
      'chooseForRecover',
      'checkApproval',
      'prepareSandbox',
      'checkSandboxShare',
      'readFromBackup',
      'endSandboxRun',
    ],
    begin: ({ client }) =>
      persistently(Date.now() + 10_000, () =>
        startSecretRun(client, { cluster: CLUSTER, requestedBy: 'ana', paths: ['secret/lab/'], recipients: [NOBODYS] }),
      ),
    attend: (chaos, handle, isOver) => attendSandbox(chaos, handle, isOver),
    evaluate(_chaos, result) {
      const { paths, sealed, approvals } = result as SecretReport;
      return [
        ...paths.flatMap(({ path, items }) => (items > 0 ? [] : [`nothing of ${path} was read`])),
        ...(sealed.includes('BEGIN AGE ENCRYPTED FILE') ? [] : ['what was read is not encrypted']),
        ...(approvals.length === 1 ? [] : [`${approvals.length} approvals counted`]),
      ];
    },
  },
];

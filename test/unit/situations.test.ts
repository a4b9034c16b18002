import { program } from '../../src/cli/commands';
import { usageProblem, vaultDrCommands } from '../support/documentation';
import { type Situation, secondsToFind } from '../support/reading';

const RUNBOOKS = 'docs/operate';

/** What brings somebody here at night, and what they must find within a minute, from the README on. */
const SITUATIONS: Situation[] = [
  {
    situation: "one node's disk died",
    page: `${RUNBOOKS}/rebuild-node.md`,
    heading: 'Steps',
    command: 'vault-dr rebuild-node --cluster prod --node vault-3 --as ana',
  },
  {
    situation: 'all data is lost',
    page: `${RUNBOOKS}/restore.md`,
    heading: '2. Plan',
    command: 'vault-dr restore --cluster prod --plan',
  },
  {
    situation: 'somebody deleted a mount an hour ago',
    page: `${RUNBOOKS}/restore-in-place.md`,
    heading: 'Steps',
    command: 'vault-dr restore --cluster prod --in-place --as-of 2026-11-23T04:00:00Z --plan',
  },
  {
    situation: 'somebody deleted one secret',
    page: `${RUNBOOKS}/recover-secret.md`,
    heading: 'Steps',
    command: 'vault-dr recover --cluster prod --path secret/app/db --write-back --plan',
  },
  {
    situation: 'two of three hosts are gone',
    page: `${RUNBOOKS}/recover-quorum.md`,
    heading: 'Steps',
    command: 'vault-dr recover-quorum --cluster prod --as ana',
  },
  {
    situation: 'a key holder lost a share',
    page: `${RUNBOOKS}/key-holders.md`,
    heading: 'A share was lost',
    command: 'vault operator rekey',
  },
  {
    situation: 'a share was pasted in clear',
    page: `${RUNBOOKS}/key-holders.md`,
    heading: 'A share in clear',
    command: 'vault operator rekey -init',
  },
  {
    situation: 'the status says that it waits for a decision',
    page: `${RUNBOOKS}/when-it-waits.md`,
    heading: 'When it waits or keeps failing',
    command: 'vault-dr resume --cluster prod --as ana',
  },
  {
    situation: "Temporal's database is gone",
    page: `${RUNBOOKS}/lost-temporal.md`,
    heading: "Temporal's database is lost",
    command: 'vault-dr restore --cluster prod --accept lose-newer-data --as ana',
  },
  {
    situation: 'the plan is refused with lose-newer-data',
    page: `${RUNBOOKS}/refused-plans.md`,
    heading: 'The plan is refused',
    command: 'vault-dr restore --cluster prod --plan --accept lose-newer-data',
  },
  {
    situation: 'there is only a .snap file',
    page: `${RUNBOOKS}/backups.md`,
    heading: 'Only a .snap file',
    command: 'vault-dr restore --cluster prod --snapshot /mnt/nas/vault-2026-11-23T0400.snap --plan',
  },
  {
    situation: 'the bucket is down',
    page: `${RUNBOOKS}/backups.md`,
    heading: 'When the bucket is down',
    command: 'vault-dr repository check offsite',
  },
  {
    situation: 'was the backup good last night?',
    page: `${RUNBOOKS}/backups.md`,
    heading: "Was last night's backup good?",
    command: 'vault-dr backups verify latest --cluster prod',
  },
  {
    situation: 'how do I stop it?',
    page: `${RUNBOOKS}/restore.md`,
    heading: 'Stop it',
    command: 'vault-dr abort --cluster prod --as ana',
  },
  {
    situation: 'the controller died',
    page: `${RUNBOOKS}/when-something-dies.md`,
    heading: 'Controller',
    command: 'systemctl restart vault-dr-controller',
  },
  {
    situation: 'who approved what?',
    page: `${RUNBOOKS}/audit-and-reports.md`,
    heading: 'The report of a recovery',
    command: 'vault-dr report --cluster prod --run 01a20752-189b-7247-a8d0-708bed2469e6',
  },
  {
    situation: 'the disk fills up with old data',
    page: `${RUNBOOKS}/remove-set-aside.md`,
    heading: 'Delete old data',
    command: 'vault-dr remove-set-aside --cluster prod --run 01a20752-189b-7247-a8d0-708bed2469e6 --as ana',
  },
  {
    situation: 'a rehearsal',
    page: `${RUNBOOKS}/rehearse.md`,
    heading: 'Steps',
    command: 'vault-dr restore --cluster prod --into staging --drill --plan',
  },
  {
    situation: 'the first backup',
    page: 'README.md',
    heading: 'Ten minutes to the first backup',
    command: 'vault-dr backup --cluster prod',
  },
  {
    situation: 'an upgrade',
    page: `${RUNBOOKS}/upgrades.md`,
    heading: 'Upgrade vault-dr',
    command: 'systemctl restart vault-dr-controller',
  },
  {
    situation: "the key of auto-unseal can't be reached",
    page: `${RUNBOOKS}/auto-unseal.md`,
    heading: 'The key is unreachable',
    command: 'vault-dr resume --cluster prod --as ana',
  },
];

describe('somebody who opens the README', () => {
  it('has twenty-one situations to find', () => {
    expect(new Set(SITUATIONS.map(({ situation }) => situation)).size).toBe(21);
  });

  it.each(SITUATIONS)('finds the command within a minute: $situation', async (situation) => {
    const seconds = await secondsToFind(situation);

    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(60);
  });

  it('finds commands that the program takes', () => {
    const root = program();
    const problems = SITUATIONS.flatMap(({ command }) =>
      vaultDrCommands(command).map((words) => usageProblem(root, words)),
    );

    expect(problems.length).toBeGreaterThan(14);
    expect(problems.filter((problem) => problem !== null)).toEqual([]);
  });
});

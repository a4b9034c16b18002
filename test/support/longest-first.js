const files = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/** Tests on clusters that take longest, up to six minutes. One that began last would be waited for alone. */
const LONGEST = [
  'long/restore-files',
  'long/backup-faults',
  'long/recoveries',
  'long/lost-temporal-back',
  'long/faults-backup',
  'long/shapes',
  'long/restore-shapes',
  'long/chaos-kinds',
  'long/several-controllers',
  'long/faults-restore',
  'e2e/guard',
  'e2e/consul-recovery',
  'e2e/roll-call',
  'e2e/filesystem-backup',
  'e2e/chaos',
  'e2e/auto-unseal',
  'e2e/package',
  'e2e/without-agents',
  'e2e/unseal-ceremony',
  'e2e/temporal-away',
].map((name) => `test/${name}.test.ts`);

/** Jest knows how long files took where they have run before; elsewhere it takes the largest first. */
module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const place = ({ path, context }) => {
      const at = LONGEST.indexOf(files.relative(context.config.rootDir, path));
      return at < 0 ? LONGEST.length : at;
    };
    return super.sort(tests).toSorted((one, other) => place(one) - place(other));
  }
};

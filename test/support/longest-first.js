const files = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/** End-to-end tests that take longest, the first of them about six minutes. One that began last would be waited for alone. */
const LONGEST = [
  'chaos',
  'restore-files',
  'backup-faults',
  'recoveries',
  'lost-temporal-back',
  'filesystem-backup',
  'faults-slow-disk',
  'faults-backup',
  'shapes',
  'restore-shapes',
  'auto-unseal',
  'several-controllers',
  'faults-restore',
  'without-agents',
  'package',
].map((name) => `test/e2e/${name}.test.ts`);

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

const { TestEnvironment } = require('jest-environment-node');

/**
 * How many times longer than they say tests wait. Time-outs end what hangs; they are written for a machine that has
 * nothing else to do, and a slow one needs longer. What comes true is not waited for any longer.
 */
const PATIENCE = 5;

module.exports = class PatientEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    // For `waitFor`, and what is like it.
    this.global.process.env.VAULT_DR_TEST_PATIENCE = String(PATIENCE);
  }

  handleTestEvent({ name }, state) {
    // All tests of the file are known, and none has begun.
    if (name !== 'run_start') return;
    state.testTimeout *= PATIENCE;
    lengthen(state.rootDescribeBlock);
  }
};

function lengthen({ children, hooks }) {
  for (const hook of hooks) if (hook.timeout) hook.timeout *= PATIENCE;
  for (const child of children) {
    if (child.type === 'describeBlock') lengthen(child);
    else if (child.timeout) child.timeout *= PATIENCE;
  }
}

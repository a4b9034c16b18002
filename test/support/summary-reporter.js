const { writeFileSync } = require('node:fs');

/** Counts tests for scripts/run.mjs. A test file that could not even run counts as a failure. */
module.exports = class SummaryReporter {
  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    };
    writeFileSync(process.env.VAULT_DR_TEST_COUNTS, JSON.stringify(counts));
  }
};

const { writeFileSync } = require('node:fs');
const path = require('node:path');

/** Counts tests for scripts/run.mjs, and times test files. A test file that could not even run counts as a failure. */
module.exports = class SummaryReporter {
  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      files: results.testResults.map(({ testFilePath, perfStats, ...result }) => ({
        file: path.relative(process.cwd(), testFilePath),
        passed: result.numPassingTests,
        failed: result.numFailingTests || (result.testExecError ? 1 : 0),
        seconds: (perfStats.end - perfStats.start) / 1_000,
      })),
    };
    writeFileSync(process.env.VAULT_DR_TEST_COUNTS, JSON.stringify(counts));
  }
};

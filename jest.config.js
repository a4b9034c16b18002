const { availableParallelism, totalmem } = require('node:os');

/** What a file with a lab of three Vaults takes, and some for the rest of the machine. */
const BYTES_OF_A_FILE = 3 * 1024 ** 3;
/** More has never been tried. */
const MOST_FILES = 6;

const common = {
  testEnvironment: '<rootDir>/test/support/patient-environment.js',
  // Backups of released versions are no snapshots of Jest's, which it would remove.
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/build', '<rootDir>/test/releases/[^/]+/'],
  transform: {
    '^.+\\.m?[tj]s$': compiled({ parser: { syntax: 'typescript' } }),
    '^.+\\.tsx$': compiled({
      parser: { syntax: 'typescript', tsx: true },
      transform: { react: { runtime: 'automatic', importSource: 'preact' } },
    }),
  },
  // ESM only, while Jest runs CommonJS: age-encryption, openid-client and Preact, with what they need.
  transformIgnorePatterns: [
    '/node_modules/(?!(age-encryption|@noble|@scure|@hpke|preact|preact-render-to-string|openid-client|oauth4webapi|jose|qr)/)',
  ],
};

function compiled(options) {
  return ['@swc/jest', { jsc: { target: 'es2022', ...options }, module: { type: 'commonjs' } }];
}

/** @type {import('jest').Config} */
module.exports = {
  testTimeout: 60_000,
  testSequencer: '<rootDir>/test/support/longest-first.js',
  // By itself Jest runs one on two cores. They bear three: most tests wait more than they work.
  maxWorkers: Math.max(
    2,
    Math.min(Math.ceil(1.5 * availableParallelism()), Math.floor(totalmem() / BYTES_OF_A_FILE), MOST_FILES),
  ),
  projects: [
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.{ts,tsx}'] },
    { ...common, displayName: 'workflow', testMatch: ['<rootDir>/test/workflow/**/*.test.ts'] },
    { ...common, displayName: 'replay', testMatch: ['<rootDir>/test/replay/**/*.test.ts'] },
    { ...common, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] },
    { ...common, displayName: 'long', testMatch: ['<rootDir>/test/long/**/*.test.ts'] },
    { ...common, displayName: 'attacks', testMatch: ['<rootDir>/test/attacks/**/*.test.ts'] },
  ],
};

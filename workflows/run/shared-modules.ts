import * as enrolment from '../../src/contract/enrolment';
import * as failureDetails from '../../src/contract/failure-details';
import * as generations from '../../src/contract/generation';
import * as guard from '../../src/contract/guard';
import * as input from '../../src/contract/input';
import * as names from '../../src/contract/names';
import * as notification from '../../src/contract/notification';
import * as person from '../../src/contract/person';
import * as retryNotice from '../../src/contract/retry-notice';
import * as content from '../../src/contract/step-input/content';
import * as generation from '../../src/contract/step-input/generation';
import * as values from '../../src/contract/step-input/values';

/*
 * Schemas that a worker makes once. By itself the SDK loads every module for each run, and once more for each replay: 26 ms of
 * CPU, of which 25 are zod and what is made with it (measured), until V8 finds zod worth optimizing and takes
 * 400 MiB for that. They know nothing of any run.
 */
const SHARED = [
  enrolment,
  failureDetails,
  generations,
  guard,
  input,
  names,
  notification,
  person,
  retryNotice,
  content,
  generation,
  values,
];

// The SDK freezes what is shared to any depth, but not below what is frozen: a schema completes itself at its first use,
// and writes to its patterns.
for (const schemas of SHARED) Object.freeze(schemas);
// So does zod.
input.clusterInput.safeParse({ cluster: 'any' });

import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, type Logger, Runtime } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../src/contract/names';
import { ensureServers } from '../../src/lab/servers/servers';
import { workflowBundle } from './workflow-bundle';

export interface WorkflowEnvironment {
  readonly temporal: TestWorkflowEnvironment;
  readonly bundle: { code: string };
}

/** What making a bundle has to say is of no use in a test. */
export const QUIET: Logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * One Temporal server and one bundle for all tests of a file.
 * @param serverArgs for `temporal server start-dev`
 * @returns a function that answers with them in tests
 */
export function useWorkflowEnvironment(serverArgs: readonly string[] = []): () => WorkflowEnvironment {
  let environment: WorkflowEnvironment | undefined;
  beforeAll(async () => {
    // Failing steps are what these tests are about: their warnings would hide the results.
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const { temporal: path } = await ensureServers({ names: ['temporal'] });
    const [temporal, bundle] = await Promise.all([
      TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path },
          extraArgs: [...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]), ...serverArgs],
        },
      }),
      workflowBundle(QUIET),
    ]);
    environment = { temporal, bundle };
  }, 60_000);
  afterAll(() => environment?.temporal.teardown());
  return () => {
    if (environment) return environment;
    throw new Error('The environment is there only while tests run.');
  };
}

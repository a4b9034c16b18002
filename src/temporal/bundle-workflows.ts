import { dirname, join } from 'node:path';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

/**
 * The SDK records a stack trace for each promise of a workflow: most of the cost of a message in a replay (measured for 3,000
 * signals: 1.5 s of CPU with ten frames, 1.1 s with three). The first frames tell where an error was thrown. It comes first,
 * because the SDK closes the sandbox before any module is loaded.
 */
const SHORT_STACKS = 'Error.stackTraceLimit = 3;';

/** Messages of zod in fifty languages: a fifth of the bundle, and nobody asks for one. English is loaded by itself. */
const UNUSED_LOCALES = join(dirname(require.resolve('zod')), 'v4', 'locales', 'index.cjs');

/** Stack traces need lines, not the sources themselves: two thirds of the bundle, which a controller keeps twice. */
const SOURCE_MAP = 'inline-nosources-cheap-module-source-map';

/** All workflows and their interceptors, in one file. */
export async function bundleWorkflows(logger?: Logger): Promise<{ code: string }> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../../workflows/index'),
    workflowInterceptorModules: [require.resolve('../../workflows/run/interceptors')],
    ignoreModules: [UNUSED_LOCALES],
    preloadModules: [require.resolve('../../workflows/run/shared-modules')],
    webpackConfigHook: (config) => ({ ...config, devtool: SOURCE_MAP }),
    ...(logger && { logger }),
  });
  return { code: `${SHORT_STACKS}\n${code}` };
}

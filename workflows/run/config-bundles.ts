import { isCancellation } from '@temporalio/workflow';
import type { ConfigBundle } from '../../src/contract/generation';
import { isGone, problemOf } from './problems';
import { controller, onNode } from './steps';

/** Base64 in the input of one step, of which Temporal takes two megabytes. */
const MOST_WITH_CAPTURE = 1_000_000;

/** What the step that writes the manifest gets: bundles that are staged, or that it stages itself. */
interface HandedBundles {
  bundles: ConfigBundle[];
  collected?: FilledBundle[];
}

/** Hands over what was collected; again where the first controller that had it is gone. */
export type StageBundles = (steps: typeof controller) => Promise<HandedBundles>;

type FilledBundle = ConfigBundle & { content: string };
/** Of an agent; without its content once it is staged. */
type Collected = ConfigBundle & { content?: string };

interface Collecting {
  cluster: string;
  run: string;
  nodes: readonly string[];
  /** Each is staged at once, by any controller, as runs of earlier versions do. */
  atOnce: boolean;
  /** As far as they are small, by the step that needs them. */
  withCapture: boolean;
  warn: (text: string) => void;
}

/** Files of nodes that a snapshot does not contain. What can't be had is a warning. */
export async function collectConfigs(collecting: Collecting): Promise<StageBundles> {
  const { cluster, run, nodes, atOnce, withCapture, warn } = collecting;
  const found = (await Promise.all(nodes.map(collect))).filter((bundle) => bundle !== null);
  if (atOnce) return () => Promise.resolve({ bundles: found });
  const size = found.reduce((sum, { content = '' }) => sum + content.length, 0);
  if (withCapture && size <= MOST_WITH_CAPTURE) {
    const collected = found.map((bundle) => ({ content: '', ...bundle }));
    return () => Promise.resolve({ bundles: [], collected });
  }
  return async (steps) => ({
    bundles: (await Promise.all(found.map((bundle) => stage(steps, bundle)))).filter((bundle) => bundle !== null),
  });

  async function collect(node: string): Promise<Collected | null> {
    try {
      const { bundle, problems } = await onNode(cluster, node).collectConfig();
      problems.forEach((problem) => warnOf(node, problem));
      return atOnce && bundle ? await controller.stageBundle({ cluster, run, bundle }) : bundle;
    } catch (error) {
      if (isCancellation(error)) throw error;
      warnOf(node, problemOf(error, 'collecting them').problem);
      return null;
    }
  }

  async function stage(steps: typeof controller, bundle: Collected): Promise<ConfigBundle | null> {
    try {
      return await steps.stageBundle({ cluster, run, bundle: { content: '', ...bundle } });
    } catch (error) {
      if (isCancellation(error) || isGone(error)) throw error;
      warnOf(bundle.node, problemOf(error, 'staging them').problem);
      return null;
    }
  }

  function warnOf(node: string, problem: string): void {
    warn(`configuration files of ${node}: ${problem}`);
  }
}

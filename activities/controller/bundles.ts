import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DrError, isDrError } from '../../src/contract/failures';
import type { ConfigBundle } from '../../src/contract/generation';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { problemOfBundle } from '../../src/crypto/agent-key';
import { toDiskError } from '../../src/files/disk-error';
import { privateDirectory } from '../../src/files/files';
import { digestOf, digestOfFile, sameDigest } from '../../src/repository/digest';
import { BUNDLE_PATTERN } from '../../src/contract/step-input/values';
import { backupPlanOf } from './confirm';
import type { Controller } from './context';

/** Next to the directories of capture attempts, which are removed. */
export const BUNDLES_DIRECTORY = 'bundles';

/** Keeps an agent's bundle until the generation is made. */
export async function stageBundle(
  controller: Controller,
  input: ControllerInput<'stageBundle'>,
): Promise<ConfigBundle> {
  const { content, ...bundle } = input.bundle;
  const bytes = Buffer.from(content, 'base64');
  // The name becomes a path, so an agent must not choose it.
  const named = BUNDLE_PATTERN.test(bundle.file) && bundle.file.startsWith(`config-${bundle.node}.tar.gz.`);
  const wanted = backupPlanOf(controller, input.cluster).configNodes.includes(bundle.node);
  if (!wanted || !named || !sameDigest(digestOf(bytes), bundle)) {
    throw new DrError('CopyDamaged', `The data sent by the agent of ${bundle.node} does not match its own digest.`, {
      where: bundle.node,
      retryable: false,
    });
  }
  const problem = problemOf(controller, input.cluster, bundle);
  if (problem !== null) {
    throw new DrError('SignatureInvalid', `The files collected on ${bundle.node} are left out: ${problem}.`, {
      where: bundle.node,
      advice: `Upgrade the agent of ${bundle.node}, and compare its agentPublicKey with \`vault-dr agent-key\` on that host. If they match, somebody is tampering with its data: alert security.`,
    });
  }
  const staging = await controller.stagingDirectory(input.cluster, input.run);
  try {
    const directory = await privateDirectory(staging, BUNDLES_DIRECTORY);
    await writeFile(join(directory, bundle.file), bytes, { mode: 0o600, flush: true });
  } catch (error) {
    throw toDiskError(error, staging);
  }
  return bundle;
}

/** If the configuration has the public key of an agent, only bundles signed with it are accepted. */
function problemOf(controller: Controller, cluster: string, bundle: ConfigBundle): string | null {
  const key = controller.cluster(cluster).nodes.find(({ name }) => name === bundle.node)?.agentPublicKey;
  return key === undefined ? null : problemOfBundle(key, cluster, bundle);
}

type Handed = Pick<ControllerInput<'captureSnapshot'>, 'bundles' | 'collected' | 'run'>;

/** Stages the bundles that come with the step, and takes them and those that were staged before. */
export async function takeHanded(
  controller: Controller,
  cluster: string,
  staging: string,
  to: string,
  { bundles, collected = [], run }: Handed,
): Promise<{ bundles: ConfigBundle[]; problems: string[] }> {
  const staged: ConfigBundle[] = [];
  const problems: string[] = [];
  for (const bundle of collected) {
    try {
      staged.push(await stageBundle(controller, { cluster, run, bundle }));
    } catch (error) {
      if (!isDrError(error) || error.retryable) throw error;
      problems.push(`configuration files of ${bundle.node}: ${error.message}`);
    }
  }
  const taken = await takeBundles(join(staging, BUNDLES_DIRECTORY), to, [...bundles, ...staged]);
  return { bundles: taken.bundles, problems: [...problems, ...taken.problems] };
}

/** Adds the bundles to a captured snapshot. A bundle that was lost with its controller is a warning. */
export async function takeBundles(
  from: string,
  to: string,
  bundles: readonly ConfigBundle[],
): Promise<{ bundles: ConfigBundle[]; problems: string[] }> {
  const taken: ConfigBundle[] = [];
  const problems: string[] = [];
  await mkdir(to, { recursive: true });
  for (const bundle of bundles.filter(({ file }) => BUNDLE_PATTERN.test(file))) {
    const target = join(to, bundle.file);
    try {
      await copyFile(join(from, bundle.file), target);
      if (!sameDigest(await digestOfFile(target), bundle)) throw new Error('it was changed');
      taken.push(bundle);
    } catch (error) {
      problems.push(`${bundle.node}: its configuration files are lost: ${(error as Error).message}`);
    }
  }
  return { bundles: taken, problems };
}

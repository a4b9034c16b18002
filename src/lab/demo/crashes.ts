import { setTimeout as sleep } from 'node:timers/promises';
import type { Story } from './story';
import { hasReached, type RunWatch } from './watch';
import type { Lab } from '../lab';
import { type LabProcess, waitFor } from '../processes';

/** The time a service manager needs to notice. */
const RESTART_AFTER_MS = 1_500;

/** Kills the controller as soon as it has begun to stop nodes. */
export async function crashController(lab: Lab, watch: RunWatch, story: Story): Promise<void> {
  const { phase } = await watch.until('the nodes are being stopped', (progress) => hasReached(progress, 'stop'));
  await crash(lab.controller, `the controller, in the phase '${phase}'`, story);
}

/**
 * Kills the agent of the first node at the hardest moment: its Vault has been initialised with keys that only that agent
 * knew, and the snapshot is not in yet.
 */
export async function crashInstallingAgent(lab: Lab, watch: RunWatch, story: Story): Promise<void> {
  const first = firstNode(lab);
  await waitFor(
    `the empty Vault on ${first} is initialised`,
    async () => {
      const { body } = await lab.vault(first, 'GET', 'sys/seal-status');
      return (body as { initialized: boolean }).initialized;
    },
    { timeoutMs: 120_000, everyMs: 50, giveUp: () => watch.ended() },
  );
  const agent = lab.agents[first] as LabProcess;
  await crash(
    agent,
    `the agent of ${first}, after it initialised an empty Vault and before it installed the snapshot`,
    story,
  );
}

export function firstNode(lab: Lab): string {
  return lab.nodes[0]?.name ?? '';
}

async function crash(victim: LabProcess, description: string, story: Story): Promise<void> {
  const { pid } = victim;
  await victim.kill();
  story.event(`kill -9 ${pid}: ${description}`);
  await sleep(RESTART_AFTER_MS);
  await victim.start();
  story.event(`${victim.name} was started again by its service manager: process ${victim.pid}`);
}

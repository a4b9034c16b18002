import type { Story } from './story';
import { type Measurements, measured } from './report';
import type { Lab } from '../lab';
import { CLUSTER } from '../layout';
import type { SampleSecret } from '../secrets';

const SECRETS = 200;

/** What there was before the disaster, to compare with what comes back. */
export interface Before {
  secrets: SampleSecret[];
  /** Written after the backup. */
  lost: SampleSecret;
  clusterId: string;
  clusterName: string;
  destroyedAt: string;
}

/** Fills the cluster, backs it up, and destroys it. */
export async function loseEverything(lab: Lab, story: Story, { steps }: Measurements): Promise<Before> {
  story.chapter(`${SECRETS} secrets, and a backup`);
  const secrets = await measured(steps, `write ${SECRETS} secrets`, () => lab.writeSecrets(SECRETS));
  story.say(`Wrote ${secrets.length} secrets with random values.`);
  const { clusterId, clusterName } = await identityOf(lab, lab.nodes[0]?.name ?? '');
  await measured(steps, 'back up', () => story.run(lab, ['backup', '--cluster', CLUSTER]));
  const [lost] = (await lab.writeSecrets(1)) as [SampleSecret];
  story.say(`Wrote one more secret, secret/${lost.path}, which is in no backup.`);

  story.chapter('The disaster');
  const destroyedAt = new Date().toISOString();
  await measured(steps, 'destroy', () => lab.destroyDataDirectories());
  story.event('All three Vaults were killed, and all three data directories deleted:');
  for (const node of lab.nodes) story.say(`rm -r ${node.dataDir}`);
  return { secrets, lost, clusterId, clusterName, destroyedAt };
}

export async function identityOf(lab: Lab, node: string): Promise<{ clusterId: string; clusterName: string }> {
  const { body } = await lab.vault(node, 'GET', 'sys/seal-status');
  const { cluster_id: clusterId, cluster_name: clusterName } = body as { cluster_id: string; cluster_name: string };
  return { clusterId, clusterName };
}

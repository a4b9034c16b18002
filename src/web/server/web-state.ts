import type { SharePurpose } from '../../contract/recipients';
import type { Principal } from '../login/principal';
import type { ClusterModel, HolderModel, OverviewModel, RunKind, RunModel } from '../model';

/** Null: nobody is logged in. */
export type Viewer = Principal | null;

/**
 * What the pages show; null: there is no such page. What does not answer is a problem of the model, never an error, and
 * never a no.
 */
export interface WebState {
  overview(viewer: Viewer): Promise<OverviewModel>;
  cluster(cluster: string, viewer: Viewer): Promise<ClusterModel | null>;
  run(cluster: string, kind: RunKind, run: string, viewer: Viewer): Promise<RunModel | null>;
  /** @param purpose null: of whichever run wants shares */
  holder(cluster: string, purpose: SharePurpose | null, viewer: Viewer): Promise<HolderModel | null>;
}

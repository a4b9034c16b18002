import type { Client } from '@temporalio/client';
import type { SharePurpose } from '../contract/recipients';
import {
  drillHandle,
  drillProgress,
  recoveryHandle,
  recoveryProgress,
  rollCallHandle,
  rollCallProgress,
  secretHandle,
  secretProgress,
} from './runs';

export type ShareRun = Awaited<ReturnType<typeof shareRun>>;

/** The run of a cluster that shares for this purpose are for, whether it takes any now or not. @throws DrError NoSuchRun */
export async function shareRun(client: Client, cluster: string, purpose: SharePurpose) {
  switch (purpose) {
    case 'restore': {
      const handle = recoveryHandle(client, cluster);
      return { purpose, handle, progress: await recoveryProgress(handle) };
    }
    case 'drill': {
      const handle = await drillHandle(client, cluster);
      return { purpose, handle, progress: await drillProgress(handle) };
    }
    case 'roll-call': {
      const handle = await rollCallHandle(client, cluster);
      return { purpose, handle, progress: await rollCallProgress(handle) };
    }
    case 'recover': {
      const handle = secretHandle(client, cluster);
      return { purpose, handle, progress: await secretProgress(handle) };
    }
  }
}

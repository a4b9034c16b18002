import type { BackupOptions } from '../backups-listing';

export interface ImportOptions extends BackupOptions {
  as: string;
  capturedAt?: string;
  serverVersion?: string;
  identity: string[];
}

import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import { type Capability, row } from './capability';
import { protectionOf } from '../s3/protection';
import type { Probe } from './probe';

/**
 * Locks an object for a few seconds and tries to remove it, as anyone with these credentials could. Always in GOVERNANCE
 * mode: an object locked in COMPLIANCE mode by mistake can't be removed. Waits until the lock has ended.
 */
export async function probeLock(probe: Probe, lockSeconds: number, mayDelete: boolean): Promise<Capability[]> {
  const { client, settings, object, put, refusal, now, leftOut } = probe;
  const { objectLock } = settings;
  const until = new Date(Math.ceil(now().getTime() / 1000 + lockSeconds) * 1000);
  const locked: { version?: string; mode?: string } = {};
  const refused = await refusal(async () => {
    locked.version = await put('locked', {
      ...protectionOf(settings),
      ...(!leftOut.has('condition') && { IfNoneMatch: '*' }),
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
    });
    const head = await client.send(new HeadObjectCommand({ ...object('locked'), VersionId: locked.version }));
    locked.mode = head.ObjectLockMode;
  });
  if (refused !== undefined || locked.mode === undefined || locked.version === undefined) {
    const found = refused === undefined ? 'ignored' : `refused: ${refused.text}`;
    if (refused?.kind === 'later') return [row('lock', found, 'unknown', 'may be temporary: run the check again')];
    return [
      objectLock
        ? row(
            'lock',
            found,
            'broken',
            `the configuration requires objectLock: ${objectLock.mode}, ${objectLock.days} days`,
          )
        : row('lock', found, 'weaker', 'these credentials can delete backups at any time'),
    ];
  }

  const target = { ...object('locked'), VersionId: locked.version };
  const sooner = new Date(until.getTime() - 1000);
  const attempts = {
    'lock: delete': await refusal(() => client.send(new DeleteObjectCommand(target))),
    'lock: shorten': await refusal(() =>
      client.send(
        new PutObjectRetentionCommand({ ...target, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: sooner } }),
      ),
    ),
  };
  const bypass = await refusal(() =>
    client.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true })),
  );
  const inTime = now() < until;
  const rows = Object.entries(attempts).map(([name, answer]) => {
    if (name === 'lock: delete' && !mayDelete && answer !== undefined) {
      return row(name, `refused: ${answer.text}`, 'ok', "these credentials can't delete anything, locked or not");
    }
    if (!inTime) return row(name, 'the server was too slow', 'unknown', 'run the check again');
    if (answer?.status === 403) {
      return objectLock
        ? row(name, `refused: ${answer.text}`, 'ok', `not possible for ${objectLock.days} days`)
        : row(name, `refused: ${answer.text}`, 'weaker', 'the bucket supports locks, but objectLock is not configured');
    }
    const found = answer === undefined ? 'was possible' : `refused: ${answer.text}`;
    return row(name, found, objectLock ? 'broken' : 'weaker', 'locks are not enforced here');
  });
  const gone = bypass === undefined || attempts['lock: delete'] === undefined;
  // Only then can it be removed.
  if (!gone) await sleep(Math.max(0, until.getTime() - now().getTime() + 1500));
  return [...rows, bypassRow(bypass?.text, objectLock?.mode)];
}

function bypassRow(refused: string | undefined, mode: 'GOVERNANCE' | 'COMPLIANCE' | undefined): Capability {
  const name = 'lock: bypass';
  if (refused !== undefined) return row(name, `refused: ${refused}`, 'ok', "these credentials can't bypass a lock");
  if (mode === 'COMPLIANCE') return row(name, 'GOVERNANCE only', 'ok', 'COMPLIANCE has no bypass');
  const promise = 'these credentials can bypass a lock: remove s3:BypassGovernanceRetention, or use COMPLIANCE';
  return row(name, 'was possible', mode === 'GOVERNANCE' ? 'broken' : 'weaker', promise);
}

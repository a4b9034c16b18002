import type { TimeSource } from '../../contract/generation';

/** Programs that make snapshots, by their file names. */
const MAKERS = [
  { maker: "Vault Enterprise's automated snapshots", name: /^vault-snapshot-/ },
  { maker: 'Vault Raft Snapshot Agent', name: /^raft[-_]snapshot-/ },
  { maker: 'openbao-snapshot-agent', name: /^bao_\d{4}-\d\d-\d\d-\d{4}\.snapshot/ },
  { maker: 'vault-raft-backup-agent', name: /^vault_\d{4}-\d\d-\d\d-\d{4}\.snapshot/ },
] as const;

const DATE = /(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)/.source;
const TIME = /(?:[T_ -]?(\d\d)[-:._h]?(\d\d)(?:[-:._m]?(\d\d)(?:\.\d+)?)?)?/.source;
const ZONE = /(?:Z?([+-]\d\d:?\d\d)|Z)?(?!\d)/.source;
const CALENDAR = new RegExp(DATE + TIME + ZONE);
const DATE_ALONE = new RegExp(`${DATE}(?!\\d)`);
/** Seconds, or milliseconds, microseconds, nanoseconds since 1970. */
const EPOCH = /(?<!\d)(1\d{9})(\d{3}|\d{6}|\d{9})?(?!\d)/;
const FOLDERS = /(?:^|\/)(20\d\d)\/(\d\d)\/(\d\d)(?:\/(\d\d))?\//;

/** Vault 1.2, the first with integrated storage. */
const FIRST_SNAPSHOT = Date.parse('2019-07-01T00:00:00Z');
/** A name without a zone may be in any; the file is written after it is named. */
const ANY_ZONE_MS = 26 * 3_600_000;

export interface CapturedAt {
  /** RFC 3339, UTC. */
  at: string;
  by: TimeSource;
}

/** The program that made it, by its name only; null if unknown. */
export function makerOf(path: string): string | null {
  const name = baseOf(path);
  return MAKERS.find((item) => item.name.test(name))?.maker ?? null;
}

/**
 * When a snapshot was captured, as far as its name and its file tell: neither is proof. Without a zone it is read as UTC,
 * and a day without a time as its beginning, so that the loss is not underestimated.
 */
export function capturedAtHint(path: string, modifiedAt: Date, now: Date): CapturedAt {
  const named = timeIn(path);
  const isPlausible =
    named !== null && named >= FIRST_SNAPSHOT && named <= now.getTime() && named <= modifiedAt.getTime() + ANY_ZONE_MS;
  if (isPlausible) return { at: new Date(named).toISOString(), by: 'name' };
  return { at: new Date(Math.min(modifiedAt.getTime(), now.getTime())).toISOString(), by: 'file' };
}

function timeIn(path: string): number | null {
  const name = baseOf(path);
  return calendarTime(name) ?? epochTime(name) ?? folderTime(path);
}

function calendarTime(name: string): number | null {
  const [, year, month, day, hour, minute, second, zone] = CALENDAR.exec(name) ?? [];
  const time = instant([year, month, day, hour, minute, second], zone);
  if (time !== null) return time;
  const [, ...date] = DATE_ALONE.exec(name) ?? [];
  return instant(date);
}

function epochTime(name: string): number | null {
  const [, seconds, rest = ''] = EPOCH.exec(name) ?? [];
  if (seconds === undefined) return null;
  return Number(seconds) * 1_000 + Number(rest.slice(0, 3) || 0);
}

function folderTime(path: string): number | null {
  const [, year, month, day, hour] = FOLDERS.exec(path) ?? [];
  return instant([year, month, day, hour]);
}

/** Null for an invalid time, such as the 31st of February. */
function instant(parts: readonly (string | undefined)[], zone = '+0000'): number | null {
  const [year, month, day, hour = '00', minute = '00', second = '00'] = parts;
  if (year === undefined || month === undefined || day === undefined) return null;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const local = Date.parse(`${text}Z`);
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(text)) return null;
  return Date.parse(`${text}${zone.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')}`);
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

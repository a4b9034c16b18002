/** As Vault writes it at the start of a line, or in `@timestamp` of JSON; the zone is `Z` or `+0100`. */
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/;

/** The lines of a log since a time. A line without a time has the time of the line before it. */
export function linesSince(log: string, since: Date): string {
  const lines = log.split('\n');
  const first = lines.findIndex((line) => timeOf(line) >= since.getTime());
  return first < 0 ? '' : lines.slice(first).join('\n');
}

function timeOf(line: string): number {
  const [text] = TIME.exec(line) ?? [];
  return text === undefined ? NaN : Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

import { DrError } from '../contract/failures';

/** Temporal's own limit of an input or a result is two megabytes. */
export const LONGEST_LINE = 4 * 1024 * 1024;

/**
 * The lines of a stream, without their ends; an unfinished one at the end is dropped: the other side died in it.
 * @throws DrError InvalidInput for a line that is too long to be one of ours.
 */
export async function* boundedLines(source: AsyncIterable<Buffer>, longest = LONGEST_LINE): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      parts.push(chunk.subarray(from, end));
      bytes += end - from;
      if (bytes > longest) throw tooLong(longest);
      yield Buffer.concat(parts).toString('utf8');
      [parts, bytes, from] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > longest) throw tooLong(longest);
  }
}

function tooLong(longest: number): DrError {
  return new DrError('InvalidInput', `A line has more than ${longest} bytes.`);
}

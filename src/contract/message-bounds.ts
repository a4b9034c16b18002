/** A share in an envelope is the largest message that anybody has a reason to send. */
const MESSAGE_BOUNDS = { depth: 64, nodes: 10_000, characters: 256 * 1024 };

/**
 * Walks over what somebody sent, without recursion: a workflow task that overflows the stack is tried again for ever.
 * @param seen gets each text, names of fields included, and ends the walk with true
 * @returns why the message is too large to be looked at to its end; null when it was
 */
export function walkMessage(
  message: unknown,
  seen: (text: string) => boolean = () => false,
  bounds = MESSAGE_BOUNDS,
): string | null {
  const waiting: { part: unknown; depth: number }[] = [{ part: message, depth: 0 }];
  let nodes = 0;
  let characters = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { part, depth } = next;
    nodes++;
    if (typeof part === 'string') {
      characters += part.length;
      if (characters > bounds.characters) return `it has more than ${bounds.characters / 1024} KiB of text`;
      if (seen(part)) return null;
    }
    if (typeof part !== 'object' || part === null) continue;
    if (depth >= bounds.depth) return `it is nested more than ${bounds.depth} deep`;
    const inside: unknown[] = Array.isArray(part) ? part : Object.entries(part).flat();
    if (nodes + waiting.length + inside.length > bounds.nodes) return `it has more than ${bounds.nodes} parts`;
    for (const item of inside) waiting.push({ part: item, depth: depth + 1 });
  }
  return null;
}

/** The largest legitimate message is a share in an envelope. */
const MESSAGE_BOUNDS = { depth: 64, nodes: 10_000, characters: 256 * 1024 };

/**
 * Walks through a message without recursion: a workflow task that overflows the stack is retried forever.
 * @param seen called with each text, names of fields included; true ends the walk
 * @returns why the message is too large to walk through; null if it is not
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

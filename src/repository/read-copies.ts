import type { FileDigest } from '../contract/generation';

/** Of a plan and the one after its approval. An older reading says nothing of today. */
const VALID_MS = 60 * 60 * 1000;

interface Reading {
  identity: string;
  sha256: string;
  at: number;
}

/**
 * Which objects this process has read end to end lately, and what they were then, so that a plan that is made again reads
 * only what has changed. For reports alone: what is restored is hashed on the host that restores it.
 */
export class ReadCopies {
  readonly #readings = new Map<string, Reading>();

  constructor(private readonly now: () => number = Date.now) {}

  has(repository: string, key: string, identity: string, { sha256 }: FileDigest): boolean {
    this.#forgetOld();
    const reading = this.#readings.get(nameOf(repository, key));
    return reading?.identity === identity && reading.sha256 === sha256;
  }

  add(repository: string, key: string, identity: string, { sha256 }: FileDigest): void {
    this.#readings.set(nameOf(repository, key), { identity, sha256, at: this.now() });
  }

  #forgetOld(): void {
    for (const [name, { at }] of this.#readings) {
      const age = this.now() - at;
      if (age < 0 || age > VALID_MS) this.#readings.delete(name);
    }
  }
}

function nameOf(repository: string, key: string): string {
  return `${repository}/${key}`;
}

import { z } from 'zod';
import type { CataloguePlugin } from '../contract/plan';

/** As in `snapshot-keys.ts`, by which a backup names them. */
const NAME = /^[\w.-]{1,100}$/;
const VERSION = /^[\w.+-]{0,100}$/;
const SHA256 = /^[0-9a-f]{64}$/i;
const MOST_LISTED = 10_000;
const MOST = 200;

const entry = z.object({
  type: z.string().regex(NAME),
  name: z.string().regex(NAME),
  version: z.string().regex(VERSION).nullish(),
  builtin: z.literal(false),
  sha256: z.string().regex(SHA256),
  // Of one that runs in a container, this is the hash of no file.
  oci_image: z.literal('').nullish(),
});

/** Answer to `sys/plugins/catalog`. What is no external plugin in a file, or has a name that none can have, is left out. */
export const pluginCatalogueSchema = z
  .object({ data: z.object({ detailed: z.array(z.unknown()).max(MOST_LISTED).nullish() }) })
  .transform(({ data }): CataloguePlugin[] =>
    (data.detailed ?? [])
      .flatMap((raw) => {
        const { data: found } = entry.safeParse(raw);
        if (found === undefined) return [];
        const { type, name, version, sha256 } = found;
        return [{ plugin: `${type}/${name}`, version: version ?? '', sha256: sha256.toLowerCase() }];
      })
      .slice(0, MOST),
  );

import { z } from 'zod';
import { configSchema } from './schema';

const TITLE = 'Configuration of vault-dr';
const DESCRIPTION =
  'What an editor can check of vault-dr.yaml. Rules between settings, and of addresses and keys, are not in it: vault-dr checks all of them when it reads the file.';

/** The configuration before defaults are filled in; refinements can't be expressed in JSON Schema. */
export function configJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return { $schema, title: TITLE, description: DESCRIPTION, ...schema };
}

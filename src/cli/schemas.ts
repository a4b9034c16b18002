import { z } from 'zod';
import { type DocumentName, DOCUMENTS } from './documents';

/** JSON Schema of a document, as `schemas/cli/` publishes it: open to fields that later versions add. */
export function schemaOf(name: DocumentName): object {
  const schema = z.toJSONSchema(DOCUMENTS[name], {
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  const { $schema, ...rest } = schema;
  return { $schema, $id: `vault-dr/cli/${name}`, title: `vault-dr: ${name}`, ...rest };
}

export function schemaText(name: DocumentName): string {
  return `${JSON.stringify(schemaOf(name), null, 2)}\n`;
}

import type { Message } from './message';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What a template may name. */
export const TEMPLATE_FIELDS = [
  'id',
  'event',
  'severity',
  'cluster',
  'run',
  'text',
  'alternates',
  'at',
  'state',
  'key',
] as const satisfies readonly (keyof Message)[];

const FIELD = /\{([A-Za-z]+)\}/g;

/** Fills in the texts of a template. What is filled in is data: it stays within its text, and is not looked through again. */
export function filledIn(template: Json, message: Message): Json {
  if (typeof template === 'string') {
    return template.replace(FIELD, (written, field: string) => {
      if (!isField(field)) return written;
      const value = message[field];
      return Array.isArray(value) ? value.join(', ') : value;
    });
  }
  if (Array.isArray(template)) return template.map((item) => filledIn(item, message));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filledIn(value, message)]));
}

function isField(name: string): name is (typeof TEMPLATE_FIELDS)[number] {
  return (TEMPLATE_FIELDS as readonly string[]).includes(name);
}

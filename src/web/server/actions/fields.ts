import type { ActionField } from '../../model';

const PLAIN = { hint: null, choices: [], required: true };

export function hidden(name: string, value: string): ActionField {
  return { ...PLAIN, name, label: '', kind: 'hidden', value };
}

export function fixed(name: string, label: string, value: string): ActionField {
  return { ...PLAIN, name, label, kind: 'fixed', value };
}

export function shown(name: string, label: string, value: string, hint: string): ActionField {
  return { ...PLAIN, name, label, kind: 'shown', value, hint, required: false };
}

export function text(name: string, label: string, value: string, hint: string | null = null): ActionField {
  return { ...PLAIN, name, label, kind: 'text', value, hint };
}

export function lines(name: string, label: string, hint: string | null = null): ActionField {
  return { ...PLAIN, name, label, kind: 'multiline', value: '', hint };
}

export function choice(name: string, label: string, [first = '', ...others]: readonly string[]): ActionField {
  return { ...PLAIN, name, label, kind: 'choice', value: first, choices: [first, ...others] };
}

import { renderToString } from 'preact-render-to-string';
import type { Action, ActionField } from '../../../../src/web/model';
import { Actions } from '../../../../src/web/pages/actions';

const FIELD: ActionField = { name: 'a', label: 'A', hint: null, kind: 'text', value: 'v', choices: [], required: true };

function shown(...fields: Partial<ActionField>[]): string {
  const action: Action = {
    name: 'abort',
    path: '/clusters/prod/runs/recovery/1/actions/abort',
    label: 'Cancel',
    explanation: 'Ends the run.',
    grave: true,
    fields: fields.map((field) => ({ ...FIELD, ...field })),
  };
  return renderToString(<Actions actions={[action]} />);
}

describe('an action', () => {
  it('is a form that needs no script', () => {
    expect(shown()).toMatch(/<form [^>]*method="post" action="\/clusters\/prod\/runs\/recovery\/1\/actions\/abort"/);
    expect(shown()).toContain('Ends the run.');
  });

  it.each([
    ['text', {}, '<input id="action-abort-a" name="a" required'],
    ['lines', { kind: 'multiline' as const }, '<textarea id="action-abort-a" name="a" required'],
    ['a choice', { kind: 'choice' as const, choices: ['u', 'v'] }, '<option value="v" selected'],
    ['what is sent unseen', { kind: 'hidden' as const }, '<input type="hidden" name="a" value="v"'],
    ['what is seen and sent', { kind: 'fixed' as const }, '<input type="hidden" name="a" value="v"'],
  ])('takes %s', (_, field, expected) => {
    expect(shown(field)).toContain(expected);
  });

  it('shows what is to be signed, and sends nothing of it', () => {
    const html = shown({ kind: 'shown', value: 'line 1\nline 2\n' });
    expect(html).toContain('<code>line 1\nline 2\n</code>');
    expect(html).not.toContain('name="a"');
  });

  it('is nothing but text, whatever is in it', () => {
    const hostile = '"><img src=x onerror=alert(1)>';
    const kinds = ['text', 'choice', 'multiline', 'fixed', 'hidden', 'shown'] as const;
    const html = shown(
      ...kinds.map((kind) => ({ name: kind, label: hostile, hint: hostile, kind, value: hostile, choices: [hostile] })),
    );
    expect(html).not.toContain('<img');
  });
});

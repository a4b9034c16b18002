import fc from 'fast-check';
import { lineDiff } from '../../../../src/host/config/text-diff';

const diff = (before: string, after: string) => lineDiff(Buffer.from(before), Buffer.from(after));

it('shows what goes and what comes', () => {
  expect(diff('a\nb\nc\n', 'a\nx\nc\n')).toEqual(['- b', '+ x']);
  expect(diff('a\n', 'a\nb\n')).toEqual(['+ b']);
  expect(diff('a\nb\n', 'b\n')).toEqual(['- a']);
  expect(diff('', 'a')).toEqual(['+ a']);
  expect(diff('same\n', 'same\n')).toEqual([]);
});

it('does not try on binary or very long content', () => {
  expect(lineDiff(Buffer.of(0, 1), Buffer.from('a'))).toBeNull();
  expect(diff('a\n'.repeat(2_001), 'b')).toBeNull();
});

it('says exactly how many lines go and come', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const shown = diff(before.map((line) => `${line}\n`).join(''), after.map((line) => `${line}\n`).join('')) ?? [];
      const [gone, come] = ['- ', '+ '].map((mark) => shown.filter((line) => line.startsWith(mark)).length);
      expect(before.length - (gone ?? 0)).toBe(after.length - (come ?? 0));
      expect(before.join() === after.join()).toBe(shown.length === 0);
    }),
  );
});

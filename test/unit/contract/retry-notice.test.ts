import { boundedProblem } from '../../../src/contract/retry-notice';

const cutOf = (problem: string) => boundedProblem({ code: 'ServiceFailed', problem, advice: null }).problem;

test.each(['[port-in-use].', '[port-in-use]', '[rekeyed, override with --accept rekeyed]'])(
  'a problem that is too long is cut before its code %s',
  (code) => {
    const problem = cutOf(`It failed: ${'x'.repeat(5_000)} ${code}`);

    expect(problem).toHaveLength(500);
    expect(problem).toMatch(/^It failed: x+… \[/);
    expect(problem.endsWith(`… ${code}`)).toBe(true);
  },
);

test.each([
  ['a code in the middle', `[port-in-use] ${'x'.repeat(600)}`],
  ['brackets that hold no code', `${'x'.repeat(600)} [10.0.0.1]`],
  ['a code of any length', `${'x'.repeat(600)} [${'y'.repeat(100)}]`],
])('%s is cut like the rest', (_what, text) => {
  expect(cutOf(text)).toBe(`${text.slice(0, 499)}…`);
});

test.each(['It still listens [port-in-use].', 'It failed.'])('%j stays as it is', (text) => {
  expect(cutOf(text)).toBe(text);
});

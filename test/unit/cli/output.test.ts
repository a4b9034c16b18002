import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { fitted, follow } from '../../../src/cli/follow';
import { renderTable, style, tableInParts } from '../../../src/terminal';

/** A stream that a terminal would be, or a file, and what was written to it. */
function streamOf(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 20, rows: 10 });
  const written = () => String((stream.read() as Buffer | null) ?? '');
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

test('a table has aligned columns, no borders and no blanks at line ends', () => {
  const table = renderTable(
    ['node', 'state', ''],
    [
      ['vault-1', 'unsealed', ''],
      ['v2', 'voter', 'ready'],
    ],
  );

  expect(table.split('\n')).toEqual([' node       state', ' vault-1    unsealed', ' v2         voter       ready']);
});

test('a table takes colours, lines and wide letters for as much as they take on a terminal', () => {
  const table = renderTable(
    [],
    [
      ['\u001b[31mred\u001b[39m', '1'],
      ['two\nlines', '2'],
      ['保険', '3'],
    ],
  );

  expect(table.split('\n').map((line) => stripVTControlCharacters(line))).toEqual([
    ' red      1',
    ' two      2',
    ' lines',
    ' 保険     3',
  ]);
});

test('a table in parts has one head, and columns that only get wider', () => {
  const table = tableInParts(['id', 'size']);

  expect([table([['a', '1']]), table([['longer', '2']]), table([['b', '3']])]).toEqual([
    ' id    size\n a     1',
    ' longer    2',
    ' b         3',
  ]);
});

test('colours go to terminals only, and only where they are wanted', () => {
  const before = process.env['NO_COLOR'];
  delete process.env['NO_COLOR'];
  try {
    expect(style('red', 'x', streamOf(true).stream)).toBe('\u001b[31mx\u001b[39m');
    expect(style('red', 'x', streamOf(false).stream)).toBe('x');
    process.env['NO_COLOR'] = '';
    expect(style('red', 'x', streamOf(true).stream)).toBe('x');
  } finally {
    if (before === undefined) delete process.env['NO_COLOR'];
    else process.env['NO_COLOR'] = before;
  }
});

describe('follow', () => {
  /** Ends the run after some looks at it. */
  function runOf(inspections: (string | Error)[]) {
    let end: (report: string) => void = () => undefined;
    const result = new Promise<string>((resolve) => (end = resolve));
    const inspect = async () => {
      const next = inspections.shift();
      if (inspections.length === 0) setImmediate(() => end('report'));
      if (next instanceof Error) throw next;
      return next ?? '';
    };
    return { result, inspect, line: inspect };
  }

  it('prints a line for each change where there is no terminal, also when the controller is away', async () => {
    const { stream, written } = streamOf(false);

    await expect(follow(runOf(['plan', 'plan', new Error('no worker'), 'stage']), stream)).resolves.toBe('report');

    expect(written().trimEnd().split('\n')).toEqual([
      'plan',
      expect.stringMatching(/^Temporal or the controller does not answer just now\. The run is safe/),
      'stage',
    ]);
  });

  it('redraws in a terminal over all lines that it took, wrapped ones included', async () => {
    const { stream, written } = streamOf(true);

    await follow(runOf([`first\n${'x'.repeat(30)}`, 'second']), stream);

    const text = written();
    expect(text).toContain('\u001b[3A');
    expect(stripVTControlCharacters(text)).toContain('second');
  });

  it('keeps the headline and what has to be done of a text that a terminal is too small for', () => {
    const text = ['Restore of prod', '', 'x'.repeat(50), 'step 1', 'step 2', 'Approve it:', '  vault-dr approve'];

    const shown = fitted(text, 6, 60);

    expect(fitted(text, 8, 60)).toEqual(text);
    expect(shown).toEqual([
      'Restore of prod',
      expect.stringContaining('vault-dr status'),
      'step 1',
      'step 2',
      'Approve it:',
      '  vault-dr approve',
    ]);
    expect(fitted(text, 7, 60)).toHaveLength(7);
    // What wraps takes more than its own line.
    expect(fitted(text, 7, 30)).not.toContain('x'.repeat(50));
  });

  it('leaves no question behind on a connection that is closed next', async () => {
    const { stream } = streamOf(false);
    let end: (report: string) => void = () => undefined;
    const result = new Promise<string>((resolve) => (end = resolve));
    let answered = false;
    const inspect = async () => {
      end('report');
      await sleep(100);
      answered = true;
      return 'plan';
    };

    await follow({ result, inspect, line: inspect }, stream);

    expect(answered).toBe(true);
  });

  it('passes on how the run failed', async () => {
    const { stream } = streamOf(false);
    const inspect = async () => 'plan';

    await expect(
      follow({ result: Promise.reject(new Error('refused')), inspect, line: inspect }, stream),
    ).rejects.toThrow('refused');
  });
});

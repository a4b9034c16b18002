import { boundedLines } from '../../../src/ssh/lines';

async function linesOf(chunks: (string | Buffer)[], longest?: number): Promise<string[]> {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const lines: string[] = [];
  for await (const line of boundedLines(source(), longest)) lines.push(line);
  return lines;
}

it('finds the lines, however they are cut, within a character too', async () => {
  const bytes = Buffer.from('{"a":1}\n{"ü":"…"}\n');

  for (let at = 1; at < bytes.length; at++) {
    expect(await linesOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(['{"a":1}', '{"ü":"…"}']);
  }
});

it('drops what has no end: the other side died in it', async () => {
  expect(await linesOf(['whole\n{"type":"resu'])).toEqual(['whole']);
});

it('takes no line that is too long, finished or not', async () => {
  await expect(linesOf(['12345678\n'], 8)).resolves.toEqual(['12345678']);
  await expect(linesOf(['123456789\n'], 8)).rejects.toMatchObject({ code: 'InvalidInput' });
  await expect(linesOf(['12345', '6789'], 8)).rejects.toMatchObject({ code: 'InvalidInput' });
});

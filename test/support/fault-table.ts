import Table from 'cli-table3';

/** Prints at the end of a file what each fault led to. */
export function useFaultTable(): (fault: string, outcome: string, seconds: number) => void {
  const table = new Table({
    head: ['fault', 'outcome', 's'],
    style: { head: [], border: [] },
    colWidths: [52, 70, 8],
    wordWrap: true,
  });
  afterAll(() => process.stdout.write(`${table.toString()}\n`));
  return (fault, outcome, seconds) => void table.push([fault, outcome, seconds.toFixed(1)]);
}

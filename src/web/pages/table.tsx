import type { ComponentChildren } from 'preact';

export interface TableRow {
  key: string;
  /** The first one names the row. */
  cells: ComponentChildren[];
}

interface Props {
  /** For those who don't see it. */
  caption: string;
  columns: readonly string[];
  rows: readonly TableRow[];
  kind?: string;
}

/** On a phone each row is a block, and each cell says of which column it is. */
export function Table({ caption, columns, rows, kind = '' }: Props) {
  return (
    <table class={`stacking ${kind}`}>
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells: [first, ...others] }) => (
          <tr key={key}>
            <th scope="row">{first}</th>
            {others.map((cell, index) => (
              <td key={index} data-label={columns[index + 1]}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

import { printable } from "./style.ts";

/** One column of a table: its heading and the cell of a row. */
export interface Column<Row> {
  readonly heading: string;
  cell(row: Row): string;
  /** Colours the padded cell. */
  paint?(text: string, row: Row): string;
}

/** The rows as aligned columns under upper-case headings, two spaces apart, without trailing blanks. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paintHeading: (text: string) => string,
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row)).replaceAll(/\s+/g, " ")));
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...cells.map((line) => line[index]?.length ?? 0))
  );
  const pad = (text: string, index: number) =>
    index === columns.length - 1 ? text : text.padEnd((widths[index] ?? 0) + 2);
  const head = paintHeading(columns.map(({ heading }, index) => pad(heading, index)).join("").trimEnd());
  const body = rows.map((row, line) =>
    columns.map((column, index) => {
      const text = pad(cells[line]?.[index] ?? "", index);
      return column.paint === undefined ? text : column.paint(text, row);
    }).join("").trimEnd()
  );
  return [head, ...body].map((line) => `${line}\n`).join("");
}

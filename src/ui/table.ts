/** Room for a table on a terminal, and what is left out where it does not suffice. */
export interface TableRoom {
  /** Of the terminal; undefined: as wide as it wants, for files and pipes. */
  readonly columns: number | undefined;
  /** Headers of what matters least, the least first. */
  readonly lessImportant: readonly string[];
}

/**
 * Columns padded to their widest cell, two blanks apart, no trailing blanks; ends with a newline. Where there is too little room, columns
 * that say nothing go first, then the less important ones.
 */
export function formatTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  room: TableRoom = { columns: undefined, lessImportant: [] },
): string {
  const all = [headers, ...rows];
  const widths = headers.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const shown = fittingColumns(headers, rows, widths, room);
  return all
    .map(
      (row) =>
        `${shown
          .map((column) => (row[column] ?? '').padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Indexes of the columns that stay. */
function fittingColumns(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  { columns, lessImportant }: TableRoom,
): readonly number[] {
  let shown = headers.map((_, column) => column);
  const isSilent = (column: number) => rows.every((row) => row[column] === '-' || row[column] === '');
  const candidates = [
    ...shown.filter((column) => rows.length > 0 && isSilent(column)),
    ...lessImportant.map((header) => headers.indexOf(header)),
  ];
  const width = () => shown.reduce((sum, column) => sum + (widths[column] ?? 0) + 2, -2);
  for (const candidate of candidates) {
    if (columns === undefined || width() <= columns) break;
    shown = shown.filter((column) => column !== candidate);
  }
  return shown;
}

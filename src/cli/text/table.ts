import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

export interface Column<Row> {
  readonly title: string;
  /** The text of a cell. It may be coloured. */
  readonly cell: (row: Row) => string;
  /** Default left. */
  readonly align?: 'left' | 'right';
  /** In a narrow terminal columns are left out by this number, the highest first. Default 0: it always stays. */
  readonly spare?: number;
}

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly paintTitle?: (title: string) => string;
}

const PARTS = ['top', 'bottom', 'left', 'mid', 'right'] as const;
const CORNERS = ['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right'] as const;
const CROSSINGS = ['left-mid', 'mid-mid', 'right-mid'] as const;
const NO_LINES = Object.fromEntries([...PARTS, ...CORNERS, ...CROSSINGS].map((part) => [part, '']));

/** @returns a table without lines, as wide as it must be. Spare columns that do not fit into `width` are left out. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width, paintTitle = (title) => title }: TableOptions,
): string {
  const text = draw(rows, columns, paintTitle);
  const widest = Math.max(...text.split('\n').map((line) => stripVTControlCharacters(line).length));
  const leaving = columns.reduce((most, { spare = 0 }) => Math.max(most, spare), 0);
  if (widest <= width || leaving === 0) return text;
  const left = columns.filter(({ spare = 0 }) => spare < leaving);
  return renderTable(rows, left, { width, paintTitle });
}

function draw<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paintTitle: (title: string) => string,
): string {
  const table = new Table({
    head: columns.map(({ title }) => paintTitle(title)),
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => columns.map(({ cell }) => oneLine(cell(row)))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

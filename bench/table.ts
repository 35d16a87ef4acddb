import type { Spread } from './measure.js';
import { isReached, type Row, type Suite } from './Suite.js';

const HEADINGS = ['', 'ours', 'reference', 'ratio (min-max)', 'target', ''] as const;

/** @returns a suite's results as lines to read. */
export function formatTable(suite: Suite, rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(formatRow)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, '-'.repeat(Math.max(...lines.map((line) => line.length))));
  const notes = rows.flatMap(({ what, note }) => (note === undefined ? [] : [`  ${what}: ${note}`]));
  return [`${suite.name}: ${suite.about}`, '', ...lines, ...notes, ''].join('\n');
}

function formatRow(row: Row): readonly string[] {
  const { what, unit, ours, reference, ratio, target } = row;
  return [
    what,
    `${formatNumber(ours.median)} ${unit}`,
    reference === undefined ? '' : `${formatNumber(reference.median)} ${unit}`,
    ratio === undefined ? formatRange(ours) : `${ratio.median.toFixed(2)}x ${formatRange(ratio)}`,
    target === undefined ? '' : `${target.is} ${formatNumber(target.value)}${target.of === 'ratio' ? 'x' : ` ${unit}`}`,
    { true: 'ok', false: 'NOT REACHED', undefined: '' }[`${isReached(row)}`],
  ];
}

function formatRange({ min, max }: Spread): string {
  return min === max ? '' : `(${formatNumber(min)}-${formatNumber(max)})`;
}

function formatNumber(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en');
}

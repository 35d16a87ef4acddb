import type { EntityData } from './stateData.js';

/**
 * What a row says of its entity: `whole`: this and nothing else; `patch`: these fields, on top of the base's where it has the
 * entity; `touch`: likewise, but only where it has; `gone`.
 */
export type StoredRow =
  | { readonly mode: 'whole' | 'patch' | 'touch'; readonly value: EntityData }
  | { readonly mode: 'gone' };

const MARKS = { whole: '=', patch: '~', touch: '?', gone: '-' } as const satisfies Record<StoredRow['mode'], string>;
const MODES: Readonly<Record<string, StoredRow['mode']>> = { '=': 'whole', '~': 'patch', '?': 'touch', '-': 'gone' };

export const GONE = MARKS.gone;

/** @param value as JSON. */
export function formatRow(mode: Exclude<StoredRow['mode'], 'gone'>, value: string): string {
  return MARKS[mode] + value;
}

/** @throws SyntaxError where the text is no row. */
export function parseRow(text: string): StoredRow {
  const mode = MODES[text.charAt(0)];
  if (mode === undefined) throw new SyntaxError(`not a row: ${JSON.stringify(text.slice(0, 20))}`);
  return mode === 'gone' ? { mode } : { mode, value: JSON.parse(text.slice(1)) as EntityData };
}

/**
 * The row after fields of its entity have changed.
 *
 * @param text of the row before; undefined where there is none.
 * @param fields as JSON.
 * @throws SyntaxError where `text` is no row.
 */
export function changedRow(text: string | undefined, op: 'patch' | 'touch', fields: string): string {
  if (text === undefined) return formatRow(op, fields);
  const known = parseRow(text);
  if (known.mode === 'gone') return op === 'touch' ? text : formatRow('whole', fields);
  // What was only to be touched so far may not have been known; from now on it is.
  const mode = known.mode === 'touch' ? op : known.mode;
  return formatRow(mode, JSON.stringify({ ...known.value, ...(JSON.parse(fields) as EntityData) }));
}

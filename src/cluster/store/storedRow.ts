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

export function formatRow(row: StoredRow): string {
  return row.mode === 'gone' ? MARKS.gone : MARKS[row.mode] + JSON.stringify(row.value);
}

/** @throws SyntaxError where the text is no row. */
export function parseRow(text: string): StoredRow {
  const mode = MODES[text.charAt(0)];
  if (mode === undefined) throw new SyntaxError(`not a row: ${JSON.stringify(text.slice(0, 20))}`);
  return mode === 'gone' ? { mode } : { mode, value: JSON.parse(text.slice(1)) as EntityData };
}

/** The row after fields of its entity have changed. @param known the row before; undefined where there is none. */
export function changedRow(known: StoredRow | undefined, op: 'patch' | 'touch', fields: EntityData): StoredRow {
  if (known === undefined) return { mode: op, value: fields };
  if (known.mode === 'gone') return op === 'touch' ? known : { mode: 'whole', value: fields };
  // What was only to be touched so far may not have been known; from now on it is.
  const mode = known.mode === 'touch' ? op : known.mode;
  return { mode, value: { ...known.value, ...fields } };
}

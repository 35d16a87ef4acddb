import type { EntityData } from './stateData.js';

/** The kinds of rows that a guild has beside its base. */
export type EntityKind =
  | 'channel'
  | 'role'
  | 'member'
  | 'thread'
  | 'threadMember'
  | 'voiceState'
  | 'stageInstance'
  | 'scheduledEvent'
  | 'soundboardSound';

/**
 * `base`: the guild's last GUILD_CREATE. `guild`: its own fields that have changed since. `count`: by how much one of its numbers
 * has changed since. `fetch`: all its members were asked for, and have not all come. A row of an entity holds what Discord has said about it since.
 */
export type RowKind = EntityKind | 'base' | 'guild' | 'count' | 'fetch';

/** Guild first, so that all rows of a guild lie side by side. */
export function rowKey(guildId: string, kind: RowKind, entityId = ''): string {
  return `${guildId}/${kind}/${entityId}`;
}

/** @returns the parts of a key, without its guild. */
export function parseRowKey(key: string): { readonly kind: RowKind; readonly entityId: string } {
  const [, kind = '', ...entityId] = key.split('/');
  return { kind: kind as RowKind, entityId: entityId.join('/') };
}

/** All rows of a guild: the character after `/` is `0`. */
export function rowRange(guildId: string): { readonly start: string; readonly end: string } {
  return { start: `${guildId}/`, end: `${guildId}0` };
}

/**
 * What a row says about its entity. `whole`: it is this and nothing else. `patch`: it has these fields, on top of the
 * base's where the base has the entity. `touch`: the same, but only where the base has it. `gone`: there is no such entity.
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
  // What was only touched so far may not have been known. From now on it is.
  const mode = known.mode === 'touch' ? op : known.mode;
  return formatRow(mode, JSON.stringify({ ...known.value, ...(JSON.parse(fields) as EntityData) }));
}

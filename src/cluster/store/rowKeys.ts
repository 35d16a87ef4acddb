/** The kinds of rows that a guild has beside its base. */
export type EntityKind =
  | 'channel'
  | 'role'
  | 'member'
  | 'thread'
  | 'threadMember'
  | 'voiceState'
  | 'stageInstance'
  | 'scheduledEvent';

/**
 * `base`: its last GUILD_CREATE. `guild`: what changed of the guild's own fields. `count`: by how much a number of it changed.
 * Those of one entity hold the last thing that Discord said of it.
 */
export type RowKind = EntityKind | 'base' | 'guild' | 'count';

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

import type { EntityData, GuildPayload, IdData, MemberData, ThreadMemberData } from './stateData.js';
import { MEMBERS, USERS_OF_EVENT } from './stateTable.js';
import { type EntityKind, parseRow, parseRowKey, type StoredRow } from './storedRow.js';

/** For each kind of entity, where GUILD_CREATE has them and what tells them apart. */
const COLLECTIONS: Readonly<Record<EntityKind, readonly [keyof GuildPayload, (entity: EntityData) => string]>> = {
  channel: ['channels', byId],
  role: ['roles', byId],
  member: ['members', (member) => (member as MemberData).user.id],
  thread: ['threads', byId],
  threadMember: ['thread_members', (member) => `${(member as ThreadMemberData).id}.${member.user_id}`],
  voiceState: ['voice_states', (state) => String(state.user_id)],
  stageInstance: ['stage_instances', byId],
  scheduledEvent: ['guild_scheduled_events', byId],
  soundboardSound: ['soundboard_sounds', (sound) => String(sound.sound_id)],
};

/** One key and its text. */
export type RawRow = readonly [key: string, text: string];

/**
 * @param rows all rows of one guild.
 * @returns the guild as GUILD_CREATE would say it now; undefined without a base.
 * @throws SyntaxError where a row is damaged.
 */
export function mergeGuild(rows: Iterable<RawRow>): GuildPayload | undefined {
  let base: Record<string, unknown> | undefined;
  let own: EntityData = {};
  const counts = new Map<string, number>();
  const changes = new Map<EntityKind, Map<string, StoredRow>>();
  for (const [key, text] of rows) {
    const { kind, entityId } = parseRowKey(key);
    if (kind === 'base') base = JSON.parse(text) as Record<string, unknown>;
    else if (kind === 'guild') own = fieldsOf(parseRow(text));
    else if (kind === 'count') counts.set(entityId, Number(text));
    else if (kind !== 'fetch') entriesOf(changes, kind).set(entityId, parseRow(text));
  }
  if (base === undefined) return undefined;
  Object.assign(base, own);
  const left = goneIds(changes.get('member'));
  for (const [kind, changed] of changes) {
    const [field, idOf] = COLLECTIONS[kind];
    base[field] = mergeList((base[field] ?? []) as readonly EntityData[], idOf, changed);
  }
  const guild = base as GuildPayload & Record<string, unknown>;
  dropDeparted(guild, left);
  addCounts(guild, counts);
  return guild;
}

function mergeList(
  list: readonly EntityData[],
  idOf: (entity: EntityData) => string,
  changed: Map<string, StoredRow>,
): EntityData[] {
  const merged: EntityData[] = [];
  for (const entity of list) {
    const id = idOf(entity);
    const row = changed.get(id);
    if (row === undefined) merged.push(entity);
    else if (row.mode !== 'gone') merged.push(row.mode === 'whole' ? row.value : { ...entity, ...row.value });
    changed.delete(id);
  }
  for (const row of changed.values()) if (row.mode === 'whole' || row.mode === 'patch') merged.push(row.value);
  return merged;
}

/**
 * Takes out what Discord's GUILD_CREATE lists no more, though no dispatch has said of each that it is gone. RESUME never sends a
 * guild again, so it would stay for ever.
 *
 * - Threads that are archived (discord.com/developers/docs/topics/threads#active-archived-threads) and those of a deleted channel.
 * - Members of such threads, stage instances and voice states of a deleted channel.
 * - Scheduled events that are completed or cancelled.
 * - Voice states and thread memberships of those who have left the guild.
 */
function dropDeparted(guild: GuildPayload & Record<string, unknown>, left: ReadonlySet<string>): void {
  const channels = new Set((guild.channels ?? []).map(byId));
  const hasChannel = (channelId: unknown): boolean => typeof channelId !== 'string' || channels.has(channelId);
  const keep = <Item>(field: string, list: readonly Item[] | undefined, stays: (item: Item) => boolean): void => {
    if (list !== undefined) guild[field] = list.filter(stays);
  };
  keep('threads', guild.threads, (thread) => !isArchived(thread) && hasChannel(thread.parent_id));
  const threads = new Set((guild.threads ?? []).map(byId));
  keep('thread_members', guild.thread_members, ({ id, user_id }) => threads.has(id) && !left.has(user_id));
  keep('voice_states', guild.voice_states, (state) => hasChannel(state.channel_id) && !left.has(String(state.user_id)));
  keep('stage_instances', guild.stage_instances, (instance) => hasChannel(instance.channel_id));
  keep('guild_scheduled_events', guild.guild_scheduled_events, ({ status }) => !OVER.has(status));
}

/** COMPLETED and CANCELED (discord.com/developers/docs/resources/guild-scheduled-event). */
const OVER: ReadonlySet<unknown> = new Set([3, 4]);

function isArchived({ thread_metadata }: IdData): boolean {
  return (thread_metadata as { readonly archived?: unknown } | undefined)?.archived === true;
}

function goneIds(changes: ReadonlyMap<string, StoredRow> | undefined): ReadonlySet<string> {
  return new Set([...(changes ?? [])].filter(([, { mode }]) => mode === 'gone').map(([id]) => id));
}

function addCounts(guild: Record<string, unknown>, counts: ReadonlyMap<string, number>): void {
  for (const [counter, by] of counts) {
    if (counter === MEMBERS) {
      guild.member_count = Number(guild.member_count ?? 0) + by;
      continue;
    }
    const eventId = counter.slice(0, -USERS_OF_EVENT.length);
    guild.guild_scheduled_events = ((guild.guild_scheduled_events ?? []) as readonly EntityData[]).map((event) =>
      event.id === eventId && typeof event.user_count === 'number'
        ? { ...event, user_count: event.user_count + by }
        : event,
    );
  }
}

function byId(entity: EntityData): string {
  return String(entity.id);
}

function fieldsOf(row: StoredRow): EntityData {
  return row.mode === 'gone' ? {} : row.value;
}

function entriesOf(changes: Map<EntityKind, Map<string, StoredRow>>, kind: EntityKind): Map<string, StoredRow> {
  let entries = changes.get(kind);
  if (entries === undefined) {
    entries = new Map();
    changes.set(kind, entries);
  }
  return entries;
}

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
    else entriesOf(changes, kind).set(entityId, parseRow(text));
  }
  if (base === undefined) return undefined;
  Object.assign(base, own);
  for (const [kind, changed] of changes) {
    const [field, idOf] = COLLECTIONS[kind];
    base[field] = mergeList((base[field] ?? []) as readonly EntityData[], idOf, changed);
  }
  const guild = base as IdData & Record<string, unknown>;
  dropStrayThreadMembers(guild);
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

/** A deleted thread takes its members along. */
function dropStrayThreadMembers(guild: Record<string, unknown>): void {
  if (guild.thread_members === undefined) return;
  const threads = new Set(((guild.threads ?? []) as readonly IdData[]).map(byId));
  guild.thread_members = (guild.thread_members as readonly ThreadMemberData[]).filter(({ id }) => threads.has(id));
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

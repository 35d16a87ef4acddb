import type { MemberFetch } from '../gateway/MemberFetches.js';
import type { EntityData, GuildPayload, IdData, MemberData, StateData, ThreadMemberData } from './stateData.js';
import type { EntityKind } from './storedRow.js';

/** What one dispatch changes. */
export type StateChange =
  /** The guild is what this says, and nothing else. */
  | { readonly op: 'setGuild'; readonly guild: GuildPayload }
  | { readonly op: 'dropGuild'; readonly guildId: string; readonly unavailable: boolean }
  /** Fields of the guild itself. */
  | { readonly op: 'patchGuild'; readonly guildId: string; readonly fields: EntityData }
  /** The entity is new, or is what this says and nothing else. */
  | EntityChange<'put'>
  /** These fields of the entity; it is new where it was not known. */
  | EntityChange<'patch'>
  /** These fields of the entity; nothing where it was not known. */
  | EntityChange<'touch'>
  | { readonly op: 'remove'; readonly guildId: string; readonly kind: EntityKind; readonly entityId: string }
  | { readonly op: 'count'; readonly guildId: string; readonly counter: string; readonly by: 1 | -1 }
  | { readonly op: 'resetCount'; readonly guildId: string; readonly counter: string }
  | { readonly op: 'syncThreads'; readonly guildId: string; readonly data: StateData }
  /** All members of the guild are asked for. */
  | { readonly op: 'beginFetch'; readonly guildId: string; readonly fetch: MemberFetch }
  /** The request with this nonce was answered in full. */
  | { readonly op: 'endFetch'; readonly guildId: string; readonly nonce: string | undefined }
  /** The bot itself. */
  | { readonly op: 'patchUser'; readonly user: IdData };

interface EntityChange<Op extends string> {
  readonly op: Op;
  readonly guildId: string;
  readonly kind: EntityKind;
  readonly entityId: string;
  readonly value: EntityData;
}

/** The counter of the members; that of a scheduled event's users is the event's id and `USERS_OF_EVENT`. */
export const MEMBERS = 'members';
export const USERS_OF_EVENT = '/users';

/**
 * Every dispatch that changes what a cluster keeps in its cache, and what it changes there. All others only move the sequence
 * number. An entity's row says what Discord's documentation says, even where a client makes less of it.
 *
 * Two things are left out on purpose: presences, and what clients learn in passing from messages, interactions and typing (a
 * channel's last message, authors). They would cost a write for each dispatch.
 */
export const STATE_TABLE: Readonly<Record<string, (data: StateData, selfId: string | undefined) => StateChange[]>> = {
  GUILD_CREATE: (d) => (d.unavailable === true ? [drop(d.id, true)] : [{ op: 'setGuild', guild: d }]),
  GUILD_UPDATE: (d) => [{ op: 'patchGuild', guildId: d.id, fields: ownFields(d) }],
  GUILD_DELETE: (d) => [drop(d.id, d.unavailable === true)],
  GUILD_EMOJIS_UPDATE: (d) => [{ op: 'patchGuild', guildId: d.guild_id, fields: { emojis: d.emojis } }],
  GUILD_STICKERS_UPDATE: (d) => [{ op: 'patchGuild', guildId: d.guild_id, fields: { stickers: d.stickers } }],

  GUILD_SOUNDBOARD_SOUNDS_UPDATE: (d) =>
    (d.soundboard_sounds ?? []).map((sound) =>
      entity('patch', d.guild_id, 'soundboardSound', String(sound.sound_id), sound),
    ),
  GUILD_SOUNDBOARD_SOUND_CREATE: (d) => [entity('put', d.guild_id, 'soundboardSound', d.sound_id, d)],
  GUILD_SOUNDBOARD_SOUND_UPDATE: (d) => [entity('patch', d.guild_id, 'soundboardSound', d.sound_id, d)],
  GUILD_SOUNDBOARD_SOUND_DELETE: (d) => [remove(d.guild_id, 'soundboardSound', d.sound_id)],

  CHANNEL_CREATE: (d) => [entity('put', d.guild_id, 'channel', d.id, d)],
  CHANNEL_UPDATE: (d) => [entity('patch', d.guild_id, 'channel', d.id, withPins(d))],
  CHANNEL_DELETE: (d) => [remove(d.guild_id, 'channel', d.id)],
  VOICE_CHANNEL_STATUS_UPDATE: (d) => [entity('touch', d.guild_id, 'channel', d.id, given('status', d))],
  CHANNEL_PINS_UPDATE: (d) =>
    // The dispatch does not say whether its channel is a thread.
    (['channel', 'thread'] as const).map((kind) =>
      entity('touch', d.guild_id, kind, String(d.channel_id), { last_pin_timestamp: d.last_pin_timestamp ?? null }),
    ),

  THREAD_CREATE: (d) => [entity('put', d.guild_id, 'thread', d.id, d)],
  THREAD_UPDATE: (d) => [entity('patch', d.guild_id, 'thread', d.id, withPins(d))],
  THREAD_DELETE: (d) => [remove(d.guild_id, 'thread', d.id)],
  THREAD_LIST_SYNC: (d) => [{ op: 'syncThreads', guildId: d.guild_id, data: d }],
  THREAD_MEMBER_UPDATE: (d) => [threadMember(d.guild_id, d)],
  THREAD_MEMBERS_UPDATE: (d) => [
    entity('touch', d.guild_id, 'thread', d.id, given('member_count', d)),
    ...(d.added_members ?? []).flatMap(({ member, presence: _, ...added }) => [
      ...(member === undefined ? [] : [memberPatch(d.guild_id, member)]),
      threadMember(d.guild_id, added as unknown as ThreadMemberData),
    ]),
    ...(d.removed_member_ids ?? []).map((userId) => remove(d.guild_id, 'threadMember', `${d.id}.${userId}`)),
  ],

  GUILD_ROLE_CREATE: (d) => [entity('put', d.guild_id, 'role', d.role.id, d.role)],
  GUILD_ROLE_UPDATE: (d) => [entity('patch', d.guild_id, 'role', d.role.id, d.role)],
  GUILD_ROLE_DELETE: (d) => [remove(d.guild_id, 'role', d.role_id)],

  GUILD_MEMBER_ADD: (d) => [entity('put', d.guild_id, 'member', d.user.id, d), count(d.guild_id, MEMBERS, 1)],
  GUILD_MEMBER_UPDATE: (d) => [entity('patch', d.guild_id, 'member', d.user.id, d)],
  GUILD_MEMBER_REMOVE: (d, selfId) =>
    // The bot itself leaves the guild: GUILD_DELETE says so as well.
    d.user.id === selfId ? [] : [remove(d.guild_id, 'member', d.user.id), count(d.guild_id, MEMBERS, -1)],
  GUILD_MEMBERS_CHUNK: (d) => [...(d.members ?? []).map((member) => memberPatch(d.guild_id, member)), ...endOfFetch(d)],

  VOICE_STATE_UPDATE: ({ member, ...d }) => [
    // Who leaves a channel may have left the guild, and is no member again by it.
    ...(member === undefined
      ? []
      : [entity(d.channel_id === null ? 'touch' : 'patch', d.guild_id, 'member', member.user.id, member)]),
    // Outside of any channel only a mute or deafen by the server is worth remembering.
    d.channel_id === null && !d.mute && !d.deaf
      ? remove(d.guild_id, 'voiceState', d.user_id)
      : entity('patch', d.guild_id, 'voiceState', d.user_id, { ...d, self_stream: d.self_stream ?? false }),
  ],

  STAGE_INSTANCE_CREATE: (d) => [entity('put', d.guild_id, 'stageInstance', d.id, d)],
  STAGE_INSTANCE_UPDATE: (d) => [entity('patch', d.guild_id, 'stageInstance', d.id, d)],
  STAGE_INSTANCE_DELETE: (d) => [remove(d.guild_id, 'stageInstance', d.id)],

  GUILD_SCHEDULED_EVENT_CREATE: (d) => [entity('put', d.guild_id, 'scheduledEvent', d.id, d), ...countedAnew(d)],
  GUILD_SCHEDULED_EVENT_UPDATE: (d) => [entity('patch', d.guild_id, 'scheduledEvent', d.id, d), ...countedAnew(d)],
  GUILD_SCHEDULED_EVENT_DELETE: (d) => [remove(d.guild_id, 'scheduledEvent', d.id)],
  GUILD_SCHEDULED_EVENT_USER_ADD: (d) => [count(d.guild_id, d.guild_scheduled_event_id + USERS_OF_EVENT, 1)],
  GUILD_SCHEDULED_EVENT_USER_REMOVE: (d) => [count(d.guild_id, d.guild_scheduled_event_id + USERS_OF_EVENT, -1)],

  USER_UPDATE: (d) => [{ op: 'patchUser', user: d }],
};

const RULES = new Map(Object.entries(STATE_TABLE));
const NOTHING: readonly StateChange[] = [];

/** @param selfId the bot's own user. @returns what a dispatch changes; nothing where its data is not as documented. */
export function changesOf(
  { t, d }: { readonly t?: string | null; readonly d?: unknown },
  selfId: string | undefined,
): readonly StateChange[] {
  const rule = RULES.get(t ?? '');
  if (rule === undefined) return NOTHING;
  try {
    return rule(d as StateData, selfId);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // A field is missing; clients throw on it likewise.
    return NOTHING;
  }
}

function entity<Op extends 'put' | 'patch' | 'touch'>(
  op: Op,
  guildId: string,
  kind: EntityKind,
  entityId: string,
  value: EntityData,
): EntityChange<Op> {
  return { op, guildId, kind, entityId, value };
}

function remove(guildId: string, kind: EntityKind, entityId: string): StateChange {
  return { op: 'remove', guildId, kind, entityId };
}

function count(guildId: string, counter: string, by: 1 | -1): StateChange {
  return { op: 'count', guildId, counter, by };
}

/** An event that says how many users it has needs no count. */
function countedAnew(event: StateData): StateChange[] {
  const counter = event.id + USERS_OF_EVENT;
  return event.user_count === undefined ? [] : [{ op: 'resetCount', guildId: event.guild_id, counter }];
}

function given(field: string, data: EntityData): EntityData {
  return data[field] === undefined ? {} : { [field]: data[field] };
}

function drop(guildId: string, unavailable: boolean): StateChange {
  return { op: 'dropGuild', guildId, unavailable };
}

function memberPatch(guildId: string, member: MemberData): StateChange {
  return entity('patch', guildId, 'member', member.user.id, member);
}

function endOfFetch({ guild_id: guildId, chunk_index, chunk_count, nonce }: StateData): StateChange[] {
  return Number(chunk_index) >= Number(chunk_count) - 1 ? [{ op: 'endFetch', guildId, nonce }] : [];
}

export function threadMember(guildId: string, member: ThreadMemberData): StateChange {
  return entity('put', guildId, 'threadMember', `${member.id}.${member.user_id}`, member);
}

/** Text channels, announcements and threads. Other channels say nothing about pins when they change. */
const SAYS_PINS: ReadonlySet<number> = new Set([0, 5, 10, 11, 12]);

/** An update that leaves the pins out says that there are none. */
function withPins(channel: StateData): EntityData {
  return SAYS_PINS.has(channel.type) ? { ...channel, last_pin_timestamp: channel.last_pin_timestamp ?? null } : channel;
}

/** GUILD_UPDATE lists these too, but each of them has dispatches of its own. */
const HELD = [
  'channels',
  'guild_scheduled_events',
  'joined_at',
  'member_count',
  'members',
  'presences',
  'roles',
  'soundboard_sounds',
  'stage_instances',
  'threads',
  'voice_states',
] as const;

function ownFields(guild: GuildPayload): EntityData {
  const fields: Record<string, unknown> = { ...guild };
  for (const field of HELD) delete fields[field];
  return fields;
}

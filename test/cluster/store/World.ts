import { BOT } from './support.js';

type Raw = Record<string, unknown>;
type Identified = Raw & { readonly id: string };
type MemberRaw = Raw & { user: Identified };

interface GuildWorld {
  id: string;
  unavailable: boolean;
  fields: Raw;
  channels: Map<string, Identified & { type: number }>;
  threads: Map<string, Identified & { type: number }>;
  roles: Map<string, Identified>;
  members: Map<string, MemberRaw>;
  voice: Map<string, Raw>;
  stages: Map<string, Identified>;
  events: Map<string, Identified>;
}

export interface Dispatch {
  readonly t: string;
  readonly d: Raw;
}

/** One step of a random history: which, and numbers to choose its subject and values by. */
export interface Step {
  readonly action: number;
  readonly guild: number;
  readonly subject: number;
  readonly value: number;
}

const CHANNEL_TYPES = [0, 2, 4, 5, 13, 15] as const;
const THREAD_TYPES = [10, 11, 12] as const;
/** Of the others' pins stock eris only hears by CHANNEL_PINS_UPDATE. */
const TELLS_PINS: ReadonlySet<number> = new Set([0, 5, 10, 11, 12]);

/**
 * Guilds that change as Discord's do, and the dispatches that tell of it. It is the truth that Discord would have; which of
 * two clients has understood it is not its business.
 */
export class World {
  readonly #guilds = new Map<string, GuildWorld>();
  readonly #users = new Map<string, Identified>();
  #lastId = 1_000;

  public get guildIds(): string[] {
    return [...this.#guilds.keys()];
  }

  /** @returns what Discord sends; nothing where the step is not possible now. */
  public step({ action, guild: g, subject, value }: Step): Dispatch[] {
    const act = ACTIONS[action % ACTIONS.length] as Action;
    const guild = pick(this.#guilds, g);
    if (act === 'joinGuild') return this.#guilds.size < 3 ? [this.#join(value)] : [];
    // Nothing is heard of an unavailable guild but that it is back. (Leaving it would leave it in stock eris's cache for ever.)
    if (guild === undefined || (guild.unavailable && act !== 'outage')) return [];
    return this.#act(act, guild, subject, value) ?? [];
  }

  #act(
    action: Exclude<Action, 'joinGuild'>,
    guild: GuildWorld,
    subject: number,
    value: number,
  ): Dispatch[] | undefined {
    const guild_id = guild.id;
    switch (action) {
      case 'leaveGuild':
        this.#guilds.delete(guild.id);
        return [{ t: 'GUILD_DELETE', d: { id: guild.id } }];
      case 'outage':
        guild.unavailable = value % 3 === 0;
        // Stock eris links those of a GUILD_CREATE with no guild at all.
        guild.stages.clear();
        return [
          { t: 'GUILD_DELETE', d: { id: guild.id, unavailable: true } },
          ...(value % 3 === 0 ? [] : [{ t: 'GUILD_CREATE', d: payload(guild) }]),
        ];
      case 'updateGuild': {
        Object.assign(guild.fields, { name: `guild ${value}`, afk_timeout: value, description: optional(value) });
        return [{ t: 'GUILD_UPDATE', d: { ...guild.fields, id: guild.id, roles: [...guild.roles.values()] } }];
      }
      case 'updateEmojis': {
        const emojis = value % 2 === 0 ? [] : [{ id: this.#id(), name: `emoji ${value}`, roles: [] }];
        guild.fields.emojis = emojis;
        return [{ t: 'GUILD_EMOJIS_UPDATE', d: { guild_id, emojis } }];
      }
      case 'updateStickers': {
        const stickers = [{ id: this.#id(), name: `sticker ${value}` }];
        guild.fields.stickers = stickers;
        return [{ t: 'GUILD_STICKERS_UPDATE', d: { guild_id, stickers } }];
      }
      case 'createChannel': {
        const channel = this.#channel(guild, value);
        return [{ t: 'CHANNEL_CREATE', d: { ...channel, guild_id } }];
      }
      case 'updateChannel': {
        const channel = pick(guild.channels, subject);
        if (channel === undefined) return undefined;
        // Announcement channels can become text channels, and the other way round.
        const type = value % 3 === 0 && (channel.type === 0 || channel.type === 5) ? 5 - channel.type : channel.type;
        Object.assign(channel, channelFields(value), { type });
        return [{ t: 'CHANNEL_UPDATE', d: { ...channel, guild_id } }];
      }
      case 'deleteChannel': {
        const channel = pick(guild.channels, subject);
        if (channel === undefined) return undefined;
        guild.channels.delete(channel.id);
        const inside = [...guild.voice.values()].filter(({ channel_id }) => channel_id === channel.id);
        // Its threads go with it, and nobody is told of each of them.
        for (const { id, parent_id } of guild.threads.values()) if (parent_id === channel.id) guild.threads.delete(id);
        return [
          { t: 'CHANNEL_DELETE', d: { ...channel, guild_id } },
          ...inside.map(({ user_id }) => this.#leaveVoice(guild, String(user_id))),
        ];
      }
      case 'pin': {
        const channel = value % 2 === 0 ? pick(guild.channels, subject) : pickWhere(guild.threads, subject, isActive);
        if (channel === undefined || channel.type === 4) return undefined;
        const last_pin_timestamp = value % 5 === 0 ? null : date(value);
        if (TELLS_PINS.has(channel.type)) channel.last_pin_timestamp = last_pin_timestamp;
        return [{ t: 'CHANNEL_PINS_UPDATE', d: { guild_id, channel_id: channel.id, last_pin_timestamp } }];
      }
      case 'setVoiceStatus': {
        const channel = pickWhere(guild.channels, subject, ({ type }) => type === 2);
        if (channel === undefined) return undefined;
        channel.status = optional(value);
        return [{ t: 'VOICE_CHANNEL_STATUS_UPDATE', d: { guild_id, id: channel.id, status: channel.status } }];
      }
      case 'createThread': {
        const thread = this.#thread(guild, subject, value);
        if (thread === undefined) return undefined;
        return [{ t: 'THREAD_CREATE', d: { ...thread, guild_id, newly_created: true } }];
      }
      case 'updateThread': {
        const thread = pick(guild.threads, subject);
        if (thread === undefined) return undefined;
        Object.assign(thread, { name: `thread ${value}`, thread_metadata: threadMetadata(value, value % 2 === 0) });
        if (thread.type !== 10) thread.applied_tags = [String(value)];
        return [{ t: 'THREAD_UPDATE', d: { ...thread, guild_id } }];
      }
      case 'deleteThread': {
        const thread = pick(guild.threads, subject);
        if (thread === undefined) return undefined;
        guild.threads.delete(thread.id);
        return [{ t: 'THREAD_DELETE', d: { id: thread.id, guild_id, parent_id: thread.parent_id, type: thread.type } }];
      }
      case 'syncThreads': {
        // All channels; stock eris mistakes the list of single ones. It forgets archived threads, with who is in them.
        for (const thread of [...guild.threads.values()])
          if (!isActive(thread) || Number(thread.id) % 3 === value % 3) guild.threads.delete(thread.id);
        const threads = [...guild.threads.values()].map((thread) => ({ ...thread, guild_id }));
        return [{ t: 'THREAD_LIST_SYNC', d: { guild_id, threads, members: [] } }];
      }
      case 'joinThread': {
        const thread = pickWhere(guild.threads, subject, isActive);
        const member = pick(guild.members, value);
        if (thread === undefined || member === undefined) return undefined;
        const own = { id: thread.id, user_id: member.user.id, flags: value, join_timestamp: date(Number(thread.id)) };
        if (member.user.id === BOT.id) return [{ t: 'THREAD_MEMBER_UPDATE', d: { ...own, guild_id } }];
        const counts = { member_count: value, last_pin_timestamp: thread.last_pin_timestamp };
        thread.member_count = value;
        return [
          {
            t: 'THREAD_MEMBERS_UPDATE',
            d: { id: thread.id, guild_id, ...counts, added_members: [{ ...own, member, presence: null }] },
          },
        ];
      }
      case 'leaveThread': {
        const thread = pickWhere(guild.threads, subject, isActive);
        const member = pick(guild.members, value);
        if (thread === undefined || member === undefined) return undefined;
        const counts = { member_count: value, last_pin_timestamp: thread.last_pin_timestamp };
        thread.member_count = value;
        return [
          {
            t: 'THREAD_MEMBERS_UPDATE',
            d: { id: thread.id, guild_id, ...counts, removed_member_ids: [member.user.id] },
          },
        ];
      }
      case 'createRole': {
        const role = this.#role(guild, value);
        return [{ t: 'GUILD_ROLE_CREATE', d: { guild_id, role } }];
      }
      case 'updateRole': {
        const role = pick(guild.roles, subject);
        if (role === undefined) return undefined;
        Object.assign(role, roleFields(value));
        return [{ t: 'GUILD_ROLE_UPDATE', d: { guild_id, role } }];
      }
      case 'deleteRole': {
        const role = pickWhere(guild.roles, subject, ({ id }) => id !== guild.id);
        if (role === undefined) return undefined;
        guild.roles.delete(role.id);
        return [{ t: 'GUILD_ROLE_DELETE', d: { guild_id, role_id: role.id } }];
      }
      case 'addMember': {
        const member = this.#member(guild, value);
        return member === undefined ? undefined : [{ t: 'GUILD_MEMBER_ADD', d: { ...member, guild_id } }];
      }
      case 'updateMember': {
        const member = pick(guild.members, subject);
        if (member === undefined) return undefined;
        const fields = { nick: optional(value), roles: [String(value)], avatar: null, pending: value % 2 === 0 };
        Object.assign(member, fields);
        // Discord leaves out what it does not think worth mentioning.
        const { pending, ...partial } = fields;
        const told = value % 3 === 0 ? partial : { ...partial, pending, premium_since: optional(value) && date(value) };
        return [{ t: 'GUILD_MEMBER_UPDATE', d: { ...told, user: member.user, guild_id, joined_at: member.joined_at } }];
      }
      case 'renameUser': {
        const member = pickWhere(guild.members, subject, ({ user }) => user.id !== BOT.id);
        if (member === undefined) return undefined;
        const user = { ...member.user, username: `user ${value}`, global_name: optional(value) };
        this.#users.set(user.id, user);
        const guilds = [...this.#guilds.values()].filter(({ members }) => members.has(user.id));
        return guilds.map(({ id, members }) => {
          const { joined_at, roles } = Object.assign(members.get(user.id) as MemberRaw, { user });
          return { t: 'GUILD_MEMBER_UPDATE', d: { user, roles, joined_at, guild_id: id } };
        });
      }
      case 'removeMember': {
        const member = pickWhere(guild.members, subject, ({ user }) => user.id !== BOT.id);
        if (member === undefined) return undefined;
        const voice = guild.voice.has(member.user.id) ? [this.#leaveVoice(guild, member.user.id)] : [];
        guild.members.delete(member.user.id);
        return [...voice, { t: 'GUILD_MEMBER_REMOVE', d: { guild_id, user: member.user } }];
      }
      case 'chunkMembers': {
        const users = [this.#member(guild, value), this.#member(guild, value + 1)].filter((user) => user !== undefined);
        return [{ t: 'GUILD_MEMBERS_CHUNK', d: { guild_id, members: users, chunk_index: 0, chunk_count: 1 } }];
      }
      case 'changeVoice': {
        const member = pick(guild.members, subject);
        const channel = pickWhere(guild.channels, value, ({ type }) => type === 2 || type === 13);
        if (member === undefined || channel === undefined) return undefined;
        const state = {
          user_id: member.user.id,
          channel_id: channel.id,
          session_id: `voice ${value}`,
          mute: value % 2 === 0,
          deaf: false,
          self_mute: value % 3 === 0,
          self_deaf: false,
          self_video: value % 5 === 0,
          suppress: false,
          request_to_speak_timestamp: optional(value) && date(value),
          ...(value % 2 === 0 ? { self_stream: true } : {}),
        };
        guild.voice.set(member.user.id, { ...state, self_stream: value % 2 === 0 });
        return [{ t: 'VOICE_STATE_UPDATE', d: { ...state, guild_id, member } }];
      }
      case 'leaveVoice': {
        const state = pick(guild.voice, subject);
        return state === undefined ? undefined : [this.#leaveVoice(guild, String(state.user_id))];
      }
      case 'createStage': {
        const channel = pickWhere(guild.channels, subject, ({ type }) => type === 13);
        if (channel === undefined) return undefined;
        const stage = { id: this.#id(), guild_id, channel_id: channel.id, topic: `topic ${value}`, privacy_level: 2 };
        guild.stages.set(stage.id, stage);
        return [{ t: 'STAGE_INSTANCE_CREATE', d: stage }];
      }
      case 'updateStage': {
        const stage = pick(guild.stages, subject);
        if (stage === undefined) return undefined;
        return [{ t: 'STAGE_INSTANCE_UPDATE', d: Object.assign(stage, { topic: `topic ${value}` }) }];
      }
      case 'deleteStage': {
        const stage = pick(guild.stages, subject);
        if (stage === undefined) return undefined;
        guild.stages.delete(stage.id);
        return [{ t: 'STAGE_INSTANCE_DELETE', d: stage }];
      }
      case 'createEvent': {
        const creator = pick(guild.members, subject)?.user;
        const event: Identified = {
          id: this.#id(),
          guild_id,
          creator,
          channel_id: null,
          user_count: 0,
          ...eventFields(value),
        };
        guild.events.set(event.id, event);
        return [{ t: 'GUILD_SCHEDULED_EVENT_CREATE', d: event }];
      }
      case 'updateEvent': {
        const event = pick(guild.events, subject);
        if (event === undefined) return undefined;
        Object.assign(event, eventFields(value), { status: 1 + (value % 4) });
        this.#refreshCreator(event);
        const { user_count: _, ...told } = event;
        // Completed, or cancelled: Discord does not list it any more.
        if (Number(event.status) > 2) guild.events.delete(event.id);
        return [{ t: 'GUILD_SCHEDULED_EVENT_UPDATE', d: told }];
      }
      case 'deleteEvent': {
        const event = pick(guild.events, subject);
        if (event === undefined) return undefined;
        guild.events.delete(event.id);
        this.#refreshCreator(event);
        return [{ t: 'GUILD_SCHEDULED_EVENT_DELETE', d: event }];
      }
      case 'subscribe': {
        const event = pick(guild.events, subject);
        if (event === undefined) return undefined;
        const t = `GUILD_SCHEDULED_EVENT_USER_${value % 2 === 0 ? 'ADD' : 'REMOVE'}`;
        return [{ t, d: { guild_id, guild_scheduled_event_id: event.id, user_id: BOT.id } }];
      }
      case 'message':
        return [{ t: 'MESSAGE_REACTION_REMOVE_ALL', d: { guild_id, channel_id: '1', message_id: String(value) } }];
    }
  }

  /** Discord tells of a user as it is when it tells, and not as it was when the event was made. */
  #refreshCreator(event: Identified): void {
    const creator = event.creator as Identified | undefined;
    if (creator !== undefined) event.creator = this.#users.get(creator.id) ?? creator;
  }

  #join(value: number): Dispatch {
    const id = this.#id();
    const fields = {
      name: `guild ${value}`,
      owner_id: '1',
      features: ['COMMUNITY'],
      emojis: [],
      stickers: [],
      joined_at: date(value),
    };
    const guild: GuildWorld = {
      id,
      unavailable: false,
      fields,
      channels: new Map(),
      threads: new Map(),
      roles: new Map([[id, { id, ...roleFields(value) }]]),
      members: new Map([[BOT.id, { user: BOT, roles: [], joined_at: date(value), nick: null }]]),
      voice: new Map(),
      stages: new Map(),
      events: new Map(),
    };
    this.#guilds.set(id, guild);
    for (let i = 0; i < 3; i++) {
      this.#channel(guild, value + i);
      this.#role(guild, value + i);
      this.#member(guild, value + i);
      this.#thread(guild, i, value + i);
    }
    return { t: 'GUILD_CREATE', d: payload(guild) };
  }

  #channel(guild: GuildWorld, value: number): Identified {
    const type = CHANNEL_TYPES[value % CHANNEL_TYPES.length] as number;
    const channel = {
      id: this.#id(),
      type,
      ...channelFields(value),
      ...(type === 15 ? { default_forum_layout: 1 } : {}),
    };
    guild.channels.set(channel.id, channel);
    return channel;
  }

  #thread(guild: GuildWorld, subject: number, value: number): Identified | undefined {
    const parent = pickWhere(guild.channels, subject, ({ type }) => type === 0 || type === 5 || type === 15);
    if (parent === undefined) return undefined;
    const type = THREAD_TYPES[value % THREAD_TYPES.length] as number;
    const thread = {
      id: this.#id(),
      type,
      name: `thread ${value}`,
      parent_id: parent.id,
      owner_id: BOT.id,
      member_count: 1,
      rate_limit_per_user: value,
      thread_metadata: threadMetadata(value, false),
      member: { id: String(this.#lastId), user_id: BOT.id, flags: 0, join_timestamp: date(value) },
    };
    guild.threads.set(thread.id, thread);
    return thread;
  }

  #role(guild: GuildWorld, value: number): Identified {
    const role = { id: this.#id(), ...roleFields(value) };
    guild.roles.set(role.id, role);
    return role;
  }

  /** Somebody who is not in the guild yet, and perhaps in others. */
  #member(guild: GuildWorld, value: number): MemberRaw | undefined {
    const id = String(500 + (value % 6));
    if (guild.members.has(id)) return undefined;
    const user = this.#users.get(id) ?? {
      id,
      username: `user ${id}`,
      discriminator: '0',
      avatar: null,
      public_flags: 0,
    };
    this.#users.set(id, user);
    const member = {
      user,
      nick: optional(value),
      roles: [],
      joined_at: date(value),
      avatar: null,
      pending: false,
      flags: 0,
    };
    guild.members.set(id, member);
    return member;
  }

  #leaveVoice(guild: GuildWorld, userId: string): Dispatch {
    guild.voice.delete(userId);
    const member = guild.members.get(userId);
    const state = { user_id: userId, channel_id: null, session_id: 'left', mute: false, deaf: false, suppress: false };
    return { t: 'VOICE_STATE_UPDATE', d: { ...state, guild_id: guild.id, member } };
  }

  #id(): string {
    return String(++this.#lastId);
  }
}

const ACTIONS = [
  'joinGuild',
  'leaveGuild',
  'outage',
  'updateGuild',
  'updateEmojis',
  'updateStickers',
  'createChannel',
  'updateChannel',
  'deleteChannel',
  'pin',
  'setVoiceStatus',
  'createThread',
  'updateThread',
  'deleteThread',
  'syncThreads',
  'joinThread',
  'leaveThread',
  'createRole',
  'updateRole',
  'deleteRole',
  'addMember',
  'updateMember',
  'renameUser',
  'removeMember',
  'chunkMembers',
  'changeVoice',
  'leaveVoice',
  'createStage',
  'updateStage',
  'deleteStage',
  'createEvent',
  'updateEvent',
  'deleteEvent',
  'subscribe',
  'message',
] as const;
type Action = (typeof ACTIONS)[number];

export const ACTION_COUNT = ACTIONS.length;

function payload(guild: GuildWorld): Raw {
  return {
    ...guild.fields,
    id: guild.id,
    unavailable: false,
    member_count: guild.members.size,
    channels: [...guild.channels.values()],
    threads: [...guild.threads.values()].filter(isActive),
    roles: [...guild.roles.values()],
    members: [...guild.members.values()],
    voice_states: [...guild.voice.values()],
    stage_instances: [...guild.stages.values()],
    // Stock eris 0.18.0 does not cache these; they come by dispatches of their own.
    guild_scheduled_events: [],
  };
}

function channelFields(value: number): Raw {
  return {
    name: `channel ${value}`,
    position: value,
    parent_id: null,
    nsfw: value % 2 === 0,
    topic: optional(value),
    rate_limit_per_user: value,
    permission_overwrites: [{ id: String(value), type: 0, allow: String(value), deny: '0' }],
    flags: 0,
  };
}

function isActive({ thread_metadata }: Raw): boolean {
  return !(thread_metadata as { readonly archived: boolean }).archived;
}

function threadMetadata(value: number, archived: boolean): Raw {
  const times = { archive_timestamp: date(value), create_timestamp: date(value) };
  return { archived, auto_archive_duration: 60, locked: false, invitable: true, ...times };
}

function roleFields(value: number): Raw {
  return {
    name: `role ${value}`,
    permissions: String(value),
    color: value,
    hoist: value % 2 === 0,
    managed: false,
    mentionable: true,
    position: value,
    ...(value % 4 === 0 ? { tags: { bot_id: BOT.id, premium_subscriber: null } } : {}),
  };
}

function eventFields(value: number): Raw {
  return {
    name: `event ${value}`,
    description: optional(value),
    scheduled_start_time: date(value),
    scheduled_end_time: optional(value) && date(value + 1),
    privacy_level: 2,
    status: 1,
    entity_type: 3,
    entity_id: null,
    entity_metadata: { location: `place ${value}` },
  };
}

function optional(value: number): string | null {
  return value % 4 === 0 ? null : `text ${value}`;
}

function date(value: number): string {
  return new Date(1_700_000_000_000 + value * 1000).toISOString();
}

function pick<Item>(items: ReadonlyMap<string, Item>, index: number): Item | undefined {
  return [...items.values()][items.size === 0 ? 0 : index % items.size];
}

function pickWhere<Item>(
  items: ReadonlyMap<string, Item>,
  index: number,
  matches: (item: Item) => boolean,
): Item | undefined {
  const found = [...items.values()].filter(matches);
  return found[found.length === 0 ? 0 : index % found.length];
}

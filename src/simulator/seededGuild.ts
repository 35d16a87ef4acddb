import type { GuildShape } from './options.js';
import {
  CHANNEL_CATEGORY,
  CHANNEL_TEXT,
  CHANNEL_THREAD,
  CHANNEL_VOICE,
  type ChannelPayload,
  type GuildPayload,
  type Json,
  type MemberPayload,
  type RolePayload,
  type UserPayload,
} from './payloads.js';
import { hash } from './Random.js';
import { seededId, seededUserId, timestampOf } from './snowflakes.js';

/**
 * Everything in here is a pure function of the seed: any guild, channel or member of the world can be made on demand, so
 * thousands of guilds cost no memory until something in them changes.
 */
export interface Seed {
  seed: number;
  shape: GuildShape;
  /** How many different human users there are. */
  userCount: number;
  bot: UserPayload;
}

const FIRST = [
  'amber',
  'brisk',
  'calm',
  'dusty',
  'eager',
  'fuzzy',
  'golden',
  'hidden',
  'icy',
  'jolly',
  'kind',
  'lunar',
];
const SECOND = [
  'apple',
  'badger',
  'comet',
  'dragon',
  'ember',
  'falcon',
  'grove',
  'harbor',
  'island',
  'jaguar',
  'kettle',
];

function nameOf(...parts: number[]): string {
  return `${FIRST[hash(FIRST.length, 7, ...parts)]}-${SECOND[hash(SECOND.length, 11, ...parts)]}`;
}

export function seededUser(index: number): UserPayload {
  return {
    id: seededUserId(index),
    username: `${nameOf(index).replace('-', '_')}_${index}`,
    global_name: `User ${index}`,
    discriminator: '0',
    avatar: null,
    public_flags: 0,
    avatar_decoration_data: null,
    clan: null,
    primary_guild: null,
  };
}

export function seededGuildName(seed: Seed, guildIndex: number): string {
  return `${nameOf(seed.seed, guildIndex)} ${guildIndex}`;
}

export function seededRole(seed: Seed, guildIndex: number, index: number): RolePayload {
  const guildId = seededId(guildIndex);
  const color = index === 0 ? 0 : hash(0xffffff, seed.seed, guildIndex, 23, index);
  return {
    id: index === 0 ? guildId : seededId(guildIndex, 'role', index),
    name: index === 0 ? '@everyone' : `role ${index}`,
    permissions: index === 1 ? '8' : '2248473465835073',
    position: index,
    color,
    colors: { primary_color: color, secondary_color: null, tertiary_color: null },
    hoist: index === 1,
    managed: false,
    mentionable: index % 2 === 1,
    icon: null,
    unicode_emoji: null,
    flags: 0,
  };
}

/** Channel 0 is a category, every fifth one a voice channel, the others text. There is always one text channel. */
export function seededChannel(seed: Seed, guildIndex: number, index: number): ChannelPayload {
  const id = seededId(guildIndex, 'channel', index);
  const overwrites =
    index % 3 === 2 ? [{ id: seededId(guildIndex, 'role', 1), type: 0, allow: '1024', deny: '0' }] : [];
  const base = { id, guild_id: seededId(guildIndex), position: index, permission_overwrites: overwrites, flags: 0 };
  if (index === 0 && seed.shape.channels > 1)
    return { ...base, type: CHANNEL_CATEGORY, name: 'General', parent_id: null };
  const parent = { parent_id: seed.shape.channels > 1 ? seededId(guildIndex, 'channel', 0) : null, nsfw: false };
  if (index % 5 === 4) {
    const voice = { bitrate: 64_000, user_limit: 0, rtc_region: null, rate_limit_per_user: 0, last_message_id: null };
    return { ...base, ...parent, ...voice, type: CHANNEL_VOICE, name: `voice-${index}` };
  }
  const text = { topic: `Talk about ${nameOf(seed.seed, guildIndex, index)}`, rate_limit_per_user: 0 };
  return { ...base, ...parent, ...text, type: CHANNEL_TEXT, name: `text-${index}`, last_message_id: null };
}

/** The first text channel of a seeded guild: where simulated users are by default. */
export function seededTextChannelIndex(seed: Seed): number {
  return seed.shape.channels > 1 ? 1 : 0;
}

export function seededThread(seed: Seed, guildIndex: number, index: number): ChannelPayload {
  const id = seededId(guildIndex, 'thread', index);
  const created = timestampOf(id);
  return {
    id,
    guild_id: seededId(guildIndex),
    parent_id: seededId(guildIndex, 'channel', seededTextChannelIndex(seed)),
    owner_id: seededMember(seed, guildIndex, 1).user.id,
    type: CHANNEL_THREAD,
    name: `thread-${index}`,
    last_message_id: null,
    message_count: 0,
    member_count: 1,
    total_message_sent: 0,
    rate_limit_per_user: 0,
    flags: 0,
    thread_metadata: {
      archived: false,
      archive_timestamp: created,
      auto_archive_duration: 4320,
      locked: false,
      create_timestamp: created,
    },
  };
}

/** Member 0 is the bot; the others are a run of users that starts somewhere else in every guild, so guilds share users. */
export function seededMember(seed: Seed, guildIndex: number, index: number): MemberPayload {
  const start = hash(seed.userCount, seed.seed, guildIndex, 31);
  const user = index === 0 ? seed.bot : seededUser((start + index) % seed.userCount);
  const roles = seed.shape.roles > 1 && index % 2 === 0 ? [seededId(guildIndex, 'role', 1)] : [];
  return {
    user,
    nick: index % 4 === 3 ? `nick ${index}` : null,
    roles,
    joined_at: timestampOf(seededId(guildIndex)),
    avatar: null,
    banner: null,
    premium_since: null,
    communication_disabled_until: null,
    deaf: false,
    mute: false,
    pending: false,
    flags: 0,
  };
}

function seededEmoji(guildIndex: number, index: number): Json {
  return {
    id: seededId(guildIndex, 'emoji', index),
    name: `emoji_${index}`,
    roles: [],
    require_colons: true,
    managed: false,
    animated: false,
    available: true,
  };
}

function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

/** A whole guild, as new as on the first day. */
export function seededGuild(seed: Seed, guildIndex: number): GuildPayload {
  const { shape } = seed;
  const members = list(Math.max(1, shape.members), (index) => seededMember(seed, guildIndex, index));
  const presences = members.slice(1, 1 + shape.presences).map((member) => ({
    user: { id: member.user.id },
    status: 'online',
    activities: [],
    client_status: { desktop: 'online' },
  }));
  return {
    ...guildProperties(seededId(guildIndex), seededGuildName(seed, guildIndex), members[1]?.user.id ?? seed.bot.id),
    joined_at: timestampOf(seededId(guildIndex)),
    roles: list(Math.max(1, shape.roles), (index) => seededRole(seed, guildIndex, index)),
    emojis: list(shape.emojis, (index) => seededEmoji(guildIndex, index)),
    channels: list(Math.max(1, shape.channels), (index) => seededChannel(seed, guildIndex, index)),
    threads: list(shape.threads, (index) => seededThread(seed, guildIndex, index)),
    members,
    member_count: members.length,
    presences,
    voice_states: [],
  };
}

/** What every guild has that is not a list of something. */
export function guildProperties(id: string, name: string, ownerId: string) {
  return {
    id,
    name,
    owner_id: ownerId,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    features: [],
    verification_level: 1,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
    nsfw: false,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: 'en-US',
    afk_channel_id: null,
    afk_timeout: 300,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    vanity_url_code: null,
    max_members: 500_000,
    max_presences: null,
    max_video_channel_users: 25,
    max_stage_video_channel_users: 50,
    large: false,
    unavailable: false,
    stickers: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

import type { GuildShape } from '../options.js';
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
import { seededId, seededTimestamp, seededUserId } from './snowflakes.js';

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

function nameOf(a: number, b = 0, c = 0): string {
  return `${FIRST[hash(FIRST.length, 7, a, b, c)]}-${SECOND[hash(SECOND.length, 11, a, b, c)]}`;
}

export function seededUser(index: number): UserPayload {
  return {
    id: seededUserId(index),
    username: `user_${index}`,
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
  const isOnly = seed.shape.channels <= 1;
  // Written out three times: spreading a common part costs more than all the rest of it.
  if (index === 0 && !isOnly) {
    return {
      id: seededId(guildIndex, 'channel', index),
      guild_id: seededId(guildIndex),
      type: CHANNEL_CATEGORY,
      name: 'General',
      position: index,
      parent_id: null,
      permission_overwrites: [],
      flags: 0,
    };
  }
  if (index % 5 === 4) {
    return {
      id: seededId(guildIndex, 'channel', index),
      guild_id: seededId(guildIndex),
      type: CHANNEL_VOICE,
      name: `voice-${index}`,
      position: index,
      parent_id: seededId(guildIndex, 'channel', 0),
      permission_overwrites: seededOverwrites(guildIndex, index),
      flags: 0,
      nsfw: false,
      bitrate: 64_000,
      user_limit: 0,
      rtc_region: null,
      rate_limit_per_user: 0,
      last_message_id: null,
    };
  }
  return {
    id: seededId(guildIndex, 'channel', index),
    guild_id: seededId(guildIndex),
    type: CHANNEL_TEXT,
    name: `text-${index}`,
    position: index,
    parent_id: isOnly ? null : seededId(guildIndex, 'channel', 0),
    permission_overwrites: seededOverwrites(guildIndex, index),
    flags: 0,
    nsfw: false,
    topic: `Talk about ${nameOf(seed.seed, guildIndex, index)}`,
    rate_limit_per_user: 0,
    last_message_id: null,
  };
}

function seededOverwrites(guildIndex: number, index: number): Json[] {
  if (index % 3 !== 2) return [];
  return [{ id: seededId(guildIndex, 'role', 1), type: 0, allow: '1024', deny: '0' }];
}

/** The first text channel of a seeded guild: where simulated users are by default. */
export function seededTextChannelIndex(seed: Seed): number {
  return seed.shape.channels > 1 ? 1 : 0;
}

export function seededThread(seed: Seed, guildIndex: number, index: number): ChannelPayload {
  const id = seededId(guildIndex, 'thread', index);
  const created = seededTimestamp(guildIndex);
  return {
    id,
    guild_id: seededId(guildIndex),
    parent_id: seededId(guildIndex, 'channel', seededTextChannelIndex(seed)),
    owner_id: seededOwnerId(seed, guildIndex),
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
  const user = index === 0 ? seed.bot : seededUser(seededMemberUser(seed, guildIndex, index));
  const roles = seed.shape.roles > 1 && index % 2 === 0 ? [seededId(guildIndex, 'role', 1)] : [];
  return {
    user,
    nick: index % 4 === 3 ? `nick ${index}` : null,
    roles,
    joined_at: seededTimestamp(guildIndex),
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

function seededMemberUser(seed: Seed, guildIndex: number, index: number): number {
  return (hash(seed.userCount, seed.seed, guildIndex, 31) + index) % seed.userCount;
}

/** Which member of the guild that user is; undefined when it is none. */
export function seededMemberIndex(seed: Seed, guildIndex: number, userIndex: number): number | undefined {
  const first = hash(seed.userCount, seed.seed, guildIndex, 31);
  const index = (userIndex - first + seed.userCount) % seed.userCount;
  return index >= 1 && index < seed.shape.members ? index : undefined;
}

/** Member 1 owns the guild. */
function seededOwnerId(seed: Seed, guildIndex: number): string {
  return seededUserId(seededMemberUser(seed, guildIndex, 1));
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

/**
 * A whole guild, as new on the first day. With `onlyBot` its members are the bot alone, as most sessions see it: making the
 * others would be half the work.
 */
export function seededGuild(seed: Seed, guildIndex: number, onlyBot = false): GuildPayload {
  const { shape } = seed;
  const memberCount = Math.max(1, shape.members);
  const members = list(onlyBot ? 1 : memberCount, (index) => seededMember(seed, guildIndex, index));
  const presences = members.slice(1, 1 + shape.presences).map((member) => ({
    user: { id: member.user.id },
    status: 'online',
    activities: [],
    client_status: { desktop: 'online' },
  }));
  const id = seededId(guildIndex);
  return {
    ...guildProperties(id, seededGuildName(seed, guildIndex), seededOwnerId(seed, guildIndex)),
    joined_at: seededTimestamp(guildIndex),
    roles: list(Math.max(1, shape.roles), (index) => seededRole(seed, guildIndex, index)),
    emojis: list(shape.emojis, (index) => seededEmoji(guildIndex, index)),
    channels: list(Math.max(1, shape.channels), (index) => seededChannel(seed, guildIndex, index)),
    threads: list(shape.threads, (index) => seededThread(seed, guildIndex, index)),
    members,
    member_count: memberCount,
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

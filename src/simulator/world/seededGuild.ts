import type { GuildShape } from '../options.js';
import { newGuildProperties, newMember, newRole, newTextChannel, newThread } from './blueprints.js';
import {
  CHANNEL_CATEGORY,
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
 * Everything in this file is a pure function of the seed. Any guild, channel or member can be made on demand, so thousands
 * of guilds cost no memory until something in them changes.
 */
export interface Seed {
  seed: number;
  shape: GuildShape;
  /** How many different human users there are. */
  userCount: number;
  bot: UserPayload;
}

const FIRST = 'amber brisk calm dusty eager fuzzy golden hidden icy jolly kind lunar'.split(' ');
const SECOND = 'apple badger comet dragon ember falcon grove harbor island jaguar kettle'.split(' ');

const ADMINISTRATOR = '8';
const EVERYONE_PERMISSIONS = '2248473465835073';

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

function seededRole(seed: Seed, guildIndex: number, index: number): RolePayload {
  const guildId = seededId(guildIndex);
  if (index === 0) return newRole(guildId, '@everyone', EVERYONE_PERMISSIONS, 0);
  const color = hash(0xffffff, seed.seed, guildIndex, 23, index);
  const permissions = index === 1 ? ADMINISTRATOR : EVERYONE_PERMISSIONS;
  const role = newRole(seededId(guildIndex, 'role', index), `role ${index}`, permissions, index, color);
  role.hoist = index === 1;
  role.mentionable = index % 2 === 1;
  return role;
}

/** Channel 0 is a category and every fifth one a voice channel. The others are text channels; there is always one. */
export function seededChannel(seed: Seed, guildIndex: number, index: number): ChannelPayload {
  const isOnly = seed.shape.channels <= 1;
  const id = seededId(guildIndex, 'channel', index);
  const guildId = seededId(guildIndex);
  if (index === 0 && !isOnly) {
    return {
      id,
      guild_id: guildId,
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
      id,
      guild_id: guildId,
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
  const channel = newTextChannel(id, guildId, index, `text-${index}`);
  if (!isOnly) channel.parent_id = seededId(guildIndex, 'channel', 0);
  channel.permission_overwrites = seededOverwrites(guildIndex, index);
  channel.topic = `Talk about ${nameOf(seed.seed, guildIndex, index)}`;
  return channel;
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
  return newThread(
    seededId(guildIndex, 'thread', index),
    seededId(guildIndex),
    seededId(guildIndex, 'channel', seededTextChannelIndex(seed)),
    seededOwnerId(seed, guildIndex),
    `thread-${index}`,
    seededTimestamp(guildIndex),
  );
}

/** Member 0 is the bot. The others are consecutive users from a start that differs by guild, so guilds share users. */
export function seededMember(seed: Seed, guildIndex: number, index: number): MemberPayload {
  const user = index === 0 ? seed.bot : seededUser(seededMemberUser(seed, guildIndex, index));
  const nick = index % 4 === 3 ? `nick ${index}` : null;
  const roles = seed.shape.roles > 1 && index % 2 === 0 ? [seededId(guildIndex, 'role', 1)] : [];
  return newMember(user, seededTimestamp(guildIndex), nick, roles);
}

function seededMemberUser(seed: Seed, guildIndex: number, index: number): number {
  return (hash(seed.userCount, seed.seed, guildIndex, 31) + index) % seed.userCount;
}

/** @returns the user's number among the guild's members; undefined if the user is not one of them. */
export function seededMemberIndex(seed: Seed, guildIndex: number, userIndex: number): number | undefined {
  const first = seededMemberUser(seed, guildIndex, 0);
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
 * A whole guild as it was at the start.
 * @param onlyBot whether to leave out all members but the bot. Most sessions see no others, and making them is half the work.
 *   Default: false.
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
    ...newGuildProperties(id, `${nameOf(seed.seed, guildIndex)} ${guildIndex}`, seededOwnerId(seed, guildIndex)),
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

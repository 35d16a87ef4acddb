import type { ErisLikeClient, ErisLikeGuild } from './erisLikeInternals.js';
import { forgetChannels } from './guildCache.js';

/** What is read here of a GUILD_CREATE; the library reads much more. It is taken apart and kept in pieces, so it must not be used again. */
export interface HydratableGuild {
  readonly id: string;
  readonly channels?: readonly PinnedChannel[];
  readonly stage_instances?: readonly StageInstanceData[];
  readonly guild_scheduled_events?: readonly { readonly id: string; readonly creator?: unknown }[];
  /** All members of its threads that are known; Discord's GUILD_CREATE has the bot itself only. */
  readonly thread_members?: readonly { readonly id: string; readonly user_id: string }[];
}

interface PinnedChannel {
  readonly id: string;
  readonly last_pin_timestamp?: unknown;
}

interface StageInstanceData {
  readonly id: string;
  readonly channel_id?: unknown;
  readonly guild_scheduled_event_id?: unknown;
}

interface UserData {
  readonly id: string;
}

/**
 * Puts a guild into the library's cache as its GUILD_CREATE would, but silently: no event is emitted, no shard becomes ready, no member
 * is asked for. A guild that is there already is replaced. Its shard must have been created.
 */
export function cacheGuild(client: ErisLikeClient, shardId: number, data: HydratableGuild): void {
  uncacheGuild(client, data.id);
  // First: the guild finds its shard by it.
  client.guildShardMap[data.id] = shardId;
  // The events are added below: eris ignores them here, and dysnomia's would not find their guild.
  const guild = client.guilds.add({ ...data, guild_scheduled_events: undefined }, client, true);
  addScheduledEvents(client, guild, data);
  linkStageInstances(guild, data);
  addThreadMembers(client, guild, data);
  addPins(guild, data);
}

/** Discord has told of the guild, and that it cannot say more for now. */
export function cacheUnavailableGuild(client: ErisLikeClient, guildId: string): void {
  uncacheGuild(client, guildId);
  const unavailable = { id: guildId, unavailable: true };
  client.unavailableGuilds.add(unavailable, client, true);
}

/** Takes a guild out of the cache, silently. Its users stay, as they do in the library: other guilds may have them. */
export function uncacheGuild(client: ErisLikeClient, guildId: string): void {
  forgetChannels(client, guildId);
  client.guilds.delete(guildId);
  client.unavailableGuilds.delete(guildId);
  delete client.guildShardMap[guildId];
}

/** They look for their guild and channel in the cache, where the guild is not yet while it is being made. */
function linkStageInstances(guild: ErisLikeGuild, { stage_instances = [] }: HydratableGuild): void {
  for (const { id, channel_id, guild_scheduled_event_id: eventId } of stage_instances) {
    const instance = guild.stageInstances.get(id);
    if (instance === undefined) continue;
    instance.guild = guild;
    instance.channel = guild.channels.get(String(channel_id)) ?? instance.channel;
    if ('guildScheduledEvent' in instance) {
      instance.guildScheduledEvent = guild.events.get(String(eventId)) ?? instance.guildScheduledEvent;
    }
  }
}

/** eris 0.18.0 ignores them in GUILD_CREATE (its #1551 is not released). */
function addScheduledEvents(
  client: ErisLikeClient,
  guild: ErisLikeGuild,
  { guild_scheduled_events = [] }: HydratableGuild,
): void {
  for (const { creator, ...event } of guild_scheduled_events) {
    guild.events.add({ guild_id: guild.id, ...event, ...creatorOf(client, creator as UserData | undefined) }, client);
  }
}

/**
 * As a member, a user is known better: the event says who it was when the event was created. One who is not cached is added
 * here, since the library would make a user without a client of it.
 */
function creatorOf(
  client: ErisLikeClient,
  creator: UserData | undefined,
): { readonly creator?: { readonly id: string } } {
  if (creator === undefined) return {};
  client.users.add(creator, client);
  return { creator: { id: creator.id } };
}

function addThreadMembers(
  client: ErisLikeClient,
  guild: ErisLikeGuild,
  { thread_members = [] }: HydratableGuild,
): void {
  for (const data of thread_members) {
    const thread = guild.threads.get(data.id);
    if (thread === undefined) continue;
    // The library tells them apart by the user's id, and asks for it under that name.
    const member = thread.members.add({ ...data, id: data.user_id, thread_id: data.id }, client, true);
    const guildMember = guild.members.get(data.user_id);
    if (guildMember !== undefined) member.guildMember = guildMember;
  }
}

/** The library reads the last pin of text channels only, but keeps what CHANNEL_PINS_UPDATE says for every channel. */
function addPins(guild: ErisLikeGuild, { channels = [] }: HydratableGuild): void {
  for (const { id, last_pin_timestamp: pinned } of channels) {
    const channel = guild.channels.get(id);
    if (channel === undefined || typeof pinned !== 'string') continue;
    channel.lastPinTimestamp ??= Date.parse(pinned);
  }
}

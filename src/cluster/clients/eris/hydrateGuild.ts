import type { Client, Guild, Member, StageInstance, ThreadChannel } from 'eris';
import { forgetChannels } from './guildCache.js';

/** What is read here of a GUILD_CREATE; eris reads much more. It is taken apart and kept in pieces, so it must not be used again. */
export interface HydratableGuild {
  readonly id: string;
  readonly channels?: readonly PinnedChannel[];
  readonly stage_instances?: readonly { readonly id: string; readonly channel_id?: unknown }[];
  readonly guild_scheduled_events?: readonly { readonly id: string; readonly creator?: unknown }[];
  /** All members of its threads that are known; Discord's GUILD_CREATE has the bot itself only. */
  readonly thread_members?: readonly { readonly id: string; readonly user_id: string }[];
}

interface PinnedChannel {
  readonly id: string;
  readonly last_pin_timestamp?: unknown;
}

interface UserData {
  readonly id: string;
}

/** Eris's collections make the objects themselves; its typings do not say from what. */
interface ErisCollection<Item> {
  add(data: object, extra?: unknown, replace?: boolean): Item;
}

/**
 * Puts a guild into eris's cache as its GUILD_CREATE would, but silently: no event is emitted, no shard becomes ready, no member
 * is asked for. A guild that is there already is replaced. Its shard must have been created.
 */
export function cacheGuild(client: Client, shardId: number, data: HydratableGuild): void {
  uncacheGuild(client, data.id);
  // First: the guild finds its shard by it.
  client.guildShardMap[data.id] = shardId;
  const guild = (client.guilds as unknown as ErisCollection<Guild>).add(data, client, true);
  linkStageInstances(guild, data);
  addScheduledEvents(client, guild, data);
  addThreadMembers(client, guild, data);
  addPins(guild, data);
}

/** Discord has told of the guild, and that it cannot say more for now. */
export function cacheUnavailableGuild(client: Client, guildId: string): void {
  uncacheGuild(client, guildId);
  const unavailable = { id: guildId, unavailable: true };
  (client.unavailableGuilds as unknown as ErisCollection<unknown>).add(unavailable, client, true);
}

/** Takes a guild out of eris's cache, silently. Its users stay, as they do in eris: other guilds may have them. */
export function uncacheGuild(client: Client, guildId: string): void {
  forgetChannels(client, guildId);
  client.guilds.delete(guildId);
  client.unavailableGuilds.delete(guildId);
  delete client.guildShardMap[guildId];
}

/** They look for their guild and channel in the cache, where the guild is not yet while it is being made. */
function linkStageInstances(guild: Guild, { stage_instances = [] }: HydratableGuild): void {
  for (const { id, channel_id } of stage_instances) {
    const instance = guild.stageInstances.get(id) as (StageInstance & { guild: unknown; channel: unknown }) | undefined;
    if (instance === undefined) continue;
    instance.guild = guild;
    instance.channel = guild.channels.get(String(channel_id)) ?? instance.channel;
  }
}

/** eris 0.18.0 ignores them in GUILD_CREATE (its #1551 is not released). */
function addScheduledEvents(client: Client, guild: Guild, { guild_scheduled_events = [] }: HydratableGuild): void {
  const events = guild.events as unknown as ErisCollection<unknown>;
  for (const { creator, ...event } of guild_scheduled_events) {
    events.add({ guild_id: guild.id, ...event, ...creatorOf(client, creator as UserData | undefined) }, client);
  }
}

/**
 * As a member, a user is known better: the event says who it was when the event was created. One who is not cached is added
 * here, since eris would make a user without a client of it.
 */
function creatorOf(client: Client, creator: UserData | undefined): { readonly creator?: { readonly id: string } } {
  if (creator === undefined) return {};
  (client.users as unknown as ErisCollection<unknown>).add(creator, client);
  return { creator: { id: creator.id } };
}

function addThreadMembers(client: Client, guild: Guild, { thread_members = [] }: HydratableGuild): void {
  for (const data of thread_members) {
    const thread: ThreadChannel | undefined = guild.threads.get(data.id);
    if (thread === undefined) continue;
    // eris tells them apart by the user's id, and asks for it under that name.
    const member = (thread.members as unknown as ErisCollection<{ guildMember?: Member }>).add(
      { ...data, id: data.user_id, thread_id: data.id },
      client,
      true,
    );
    const guildMember = guild.members.get(data.user_id);
    if (guildMember !== undefined) member.guildMember = guildMember;
  }
}

/** eris reads the last pin of text channels only, but keeps what CHANNEL_PINS_UPDATE says for every channel. */
function addPins(guild: Guild, { channels = [] }: HydratableGuild): void {
  for (const { id, last_pin_timestamp: pinned } of channels) {
    const channel = guild.channels.get(id) as { lastPinTimestamp?: number | null } | undefined;
    if (channel === undefined || typeof pinned !== 'string') continue;
    channel.lastPinTimestamp ??= Date.parse(pinned);
  }
}

import type { Client, Guild } from 'oceanic.js';
import type { RawGuild, Summaries } from '../ClientAdapter.js';

/** What is read here of a GUILD_CREATE; oceanic.js reads much more. */
interface GuildData extends RawGuild {
  readonly presences?: readonly object[];
  readonly guild_scheduled_events?: readonly { readonly creator?: { readonly id: string } }[];
  /** All members of its threads that are known; Discord's GUILD_CREATE has the bot itself only. */
  readonly thread_members?: readonly ThreadMemberData[];
}

interface ThreadMemberData {
  readonly id: string;
  readonly user_id: string;
  readonly flags?: number;
  readonly join_timestamp?: string;
}

type RawData<Collection extends { update(data: never): unknown }> = Parameters<Collection['update']>[0];

/** Puts a guild into the cache as its GUILD_CREATE would, without any event. One that is there already is replaced. */
export function cacheGuild(client: Client, shardId: number, data: GuildData): void {
  uncacheGuild(client, data.id);
  client.guildShardMap.set(data.id, shardId);
  const guild = client.guilds.update(data as unknown as RawData<typeof client.guilds>);
  addScheduledEvents(client, guild, data);
  addThreadMembers(client, guild, data);
}

export function cacheUnavailableGuild(client: Client, guildId: string): void {
  uncacheGuild(client, guildId);
  client.unavailableGuilds.update({ id: guildId, unavailable: true });
}

export function uncacheGuild(client: Client, guildId: string): void {
  forgetGuild(client, guildId);
  client.unavailableGuilds.delete(guildId);
  client.guildShardMap.delete(guildId);
}

/** oceanic.js drops a guild at READY without its channels and threads, and does not renew one that it has. */
export function forgetGuild(client: Client, guildId: string): void {
  const guild = client.guilds.get(guildId);
  guild?.channels.clear();
  guild?.threads.clear();
  client.guilds.delete(guildId);
}

/** oceanic.js takes the users out of the presences that it is given. Who reads the packet after it, the store say, needs them. */
export function ownPresences<Data extends GuildData>(data: Data): Data {
  return { ...data, ...(data.presences && { presences: data.presences.map((presence) => ({ ...presence })) }) };
}

/** oceanic.js 1.15.0 ignores them in GUILD_CREATE. */
function addScheduledEvents(client: Client, guild: Guild, { guild_scheduled_events = [] }: GuildData): void {
  for (const event of guild_scheduled_events) {
    // As a member, a user is known better: the event says who it was when the event was created.
    const isKnown = event.creator !== undefined && client.users.has(event.creator.id);
    const data = { guild_id: guild.id, ...event, ...(isKnown && { creator: { id: event.creator.id } }) };
    guild.scheduledEvents.update(data as unknown as RawData<typeof guild.scheduledEvents>);
  }
}

function addThreadMembers(client: Client, guild: Guild, { thread_members = [] }: GuildData): void {
  for (const { id, user_id: userID, flags = 0, join_timestamp } of thread_members) {
    const members = guild.threads.get(id)?.members;
    // The bot itself came with the thread.
    if (members === undefined || userID === client.user.id) continue;
    members.push({ id, userID, flags, joinTimestamp: new Date(join_timestamp ?? 0) });
  }
}

/** How many guilds of each shard are in the cache. */
export function countGuilds({ guilds, guildShardMap }: Client): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [guildId, shardId] of guildShardMap) {
    if (guilds.has(guildId)) counts.set(shardId, (counts.get(shardId) ?? 0) + 1);
  }
  return counts;
}

type LookUps = { readonly [Kind in keyof Summaries]: (client: Client, id: string) => Summaries[Kind] | null };

/** What oceanic.js has cached under an id. */
export const lookUp: LookUps = {
  guild: ({ guilds }, guildId) => {
    const guild = guilds.get(guildId);
    if (guild === undefined) return null;
    const { id, name, memberCount, ownerID } = guild;
    return { id, name, memberCount, channelCount: guild.channels.size, ownerId: ownerID ?? '' };
  },
  user: ({ users }, userId) => {
    const user = users.get(userId);
    return user === undefined ? null : { id: user.id, username: user.username, bot: user.bot };
  },
  channel: (client, channelId) => {
    const channel = client.getChannel(channelId);
    if (channel === undefined || !('guildID' in channel)) return null;
    return { id: channel.id, name: channel.name, type: channel.type, guildId: channel.guildID };
  },
};

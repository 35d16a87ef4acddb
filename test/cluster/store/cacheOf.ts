import {
  type Client,
  Collection,
  type Guild,
  GuildScheduledEvent,
  type Member,
  StageInstance,
  ThreadChannel,
  ThreadMember,
} from 'eris';

/**
 * What Discord's GUILD_CREATE would not list any more. eris keeps it for as long as its process lives, and the store does not:
 * archived threads, the threads and stages of channels that were deleted, who left the guild in its threads, scheduled events that
 * are over.
 */
export function departedIn(client: Client): string[] {
  return [...client.guilds.values()].flatMap((guild) => [
    ...guild.threads.filter((thread) => hasDeparted(thread, guild)).map(({ id }) => `thread ${id}`),
    ...[...guild.threads.values()].flatMap(({ id, members }) =>
      [...members.values()].filter((member) => hasDeparted(member, guild)).map((member) => `${member.id} in ${id}`),
    ),
    ...guild.stageInstances.filter((stage) => hasDeparted(stage, guild)).map(({ id }) => `stage ${id}`),
    ...guild.events.filter((event) => hasDeparted(event, guild)).map(({ id }) => `event ${id}`),
  ]);
}

function hasDeparted(item: unknown, guild: Guild): boolean {
  if (item instanceof GuildScheduledEvent) return item.status > 2;
  if (item instanceof StageInstance) return !guild.channels.has(item.channel.id);
  if (item instanceof ThreadMember) return !guild.members.has(item.id);
  return item instanceof ThreadChannel && (item.threadMetadata.archived || !guild.channels.has(String(item.parentID)));
}

/**
 * Everything that an eris client has cached of its guilds, but for {@link departedIn}, as plain data. Objects that belong
 * elsewhere are their ids, and what is not known (undefined, null, or a date that is none) is left out.
 */
export function cacheOf(client: Client): unknown {
  const guilds = [...client.guilds.values()];
  return {
    guilds: Object.fromEntries(guilds.map((guild) => [guild.id, fieldsOf(guild, guild)])),
    unavailable: [...client.unavailableGuilds.keys()].sort(),
    shards: client.guildShardMap,
    // eris forgets to clear both in some places; what counts is where a channel is found.
    channels: foundBy(guilds, client.channelGuildMap, (guild) => guild.channels),
    threads: foundBy(
      guilds,
      client.threadGuildMap,
      (guild) =>
        new Map(guild.threads.filter((thread) => !hasDeparted(thread, guild)).map((thread) => [thread.id, thread])),
    ),
    users: Object.fromEntries(knownUsers(guilds).map((id) => [id, fieldsOf(client.users.get(id))])),
  };
}

/** Back references, and what the store leaves out on purpose. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  '_client',
  'shard',
  // Stock eris forgets to give the creator of a scheduled event its client.
  '_missingClientError',
  // Learnt from messages in passing.
  'messages',
  'lastMessageID',
  'messageCount',
  'totalMessageSent',
  // Of a thread's member: eris links it where the dispatch brings the guild's member, a hydrated one wherever it is known.
  'guildMember',
]);

function fieldsOf(value: unknown, guild?: Guild): unknown {
  const fields = Object.entries(value as object).flatMap(([key, field]) => {
    const plain = LEFT_OUT.has(key) ? undefined : plainOf(key, field, guild);
    return plain === undefined ? [] : [[key, plain]];
  });
  return Object.fromEntries(fields);
}

function plainOf(key: string, value: unknown, guild: Guild | undefined): unknown {
  if (value === undefined || value === null || Number.isNaN(value)) return undefined;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => plainOf('', item, guild) ?? null);
  switch (key) {
    case 'guild':
      return value === guild ? 'its guild' : 'another guild';
    case 'user':
    case 'creator':
      return (value as { readonly id: string }).id;
    case 'channel':
      return reference(value, guild?.channels);
    case 'voiceMembers':
      return [...(value as Collection<Member>).values()].map((member) => reference(member, guild?.members)).sort();
  }
  if (value instanceof Collection) {
    const entries = [...value.entries()].filter(([, item]) => guild === undefined || !hasDeparted(item, guild));
    return Object.fromEntries(entries.map(([id, item]) => [id, fieldsOf(item, guild)]));
  }
  return fieldsOf(value, guild);
}

/** An object that is shown elsewhere, and whether it is the same that is shown there. */
function reference(value: object, collection: ReadonlyMap<string | number, unknown> | undefined): string {
  const { id } = value as { readonly id: string };
  return collection?.get(id) === value ? id : `another ${id}`;
}

function foundBy(
  guilds: readonly Guild[],
  map: Readonly<Record<string, string>>,
  collection: (guild: Guild) => ReadonlyMap<string | number, unknown>,
): unknown {
  const found = guilds.flatMap((guild) => [...collection(guild).keys()].map((id) => [String(id), map[String(id)]]));
  return Object.fromEntries(found);
}

function knownUsers(guilds: readonly Guild[]): string[] {
  return [...new Set(guilds.flatMap((guild) => [...guild.members.keys()].map(String)))].sort();
}

import type { ResolvedOptions } from '../options.js';
import { newMember } from './blueprints.js';
import {
  CHANNEL_DM,
  CHANNEL_TEXT,
  type ChannelPayload,
  type GuildPayload,
  type MemberPayload,
  type UserPayload,
} from './payloads.js';
import {
  type Seed,
  seededChannel,
  seededGuild,
  seededMember,
  seededMemberIndex,
  seededTextChannelIndex,
  seededThread,
  seededUser,
} from './seededGuild.js';
import {
  parseSeededId,
  parseSeededUserId,
  randomUserId,
  SnowflakeSource,
  seededId,
  seededUserId,
  shardIdOf,
} from './snowflakes.js';

const BOT_INDEX = 40_000_000;
const APPLICATION_INDEX = BOT_INDEX + 1;
const TEAM_INDEX = BOT_INDEX + 2;

/**
 * Owns what exists: guilds with their channels, roles and members, users, DMs, the bot and its application. It knows nothing
 * of sessions or requests.
 *
 * The world makes a guild from the seed each time somebody asks for it, until something in the guild changes. From then on
 * the world keeps it. So four thousand unchanged guilds cost only their ids.
 */
export class World {
  readonly snowflakes = new SnowflakeSource();
  /** The bot as it sees itself, e-mail included. */
  readonly bot: UserPayload;
  /** The bot as others see it. */
  readonly publicBot: UserPayload;
  readonly applicationId = seededUserId(APPLICATION_INDEX);
  /** The team that owns the application if it has several owners. */
  readonly teamId = seededUserId(TEAM_INDEX);
  /** Where the application can be installed: 0 is in guilds, 1 is for users. */
  readonly integrationTypes: readonly number[] = [0, 1];
  readonly ownerIds: readonly string[];
  readonly #seed: Seed;
  /** An unchanged seeded guild is here as its number, any other as it is now. */
  readonly #guilds = new Map<string, number | GuildPayload>();
  /** The guild of each channel or thread that did not come from the seed. */
  readonly #addedChannels = new Map<string, string>();
  readonly #dms = new Map<string, ChannelPayload>();
  readonly #dmOfUser = new Map<string, string>();
  readonly #addedUsers = new Map<string, UserPayload>();

  constructor(options: ResolvedOptions) {
    this.bot = {
      id: seededUserId(BOT_INDEX),
      username: 'kallisti-local',
      global_name: null,
      discriminator: '0001',
      avatar: null,
      bot: true,
      public_flags: 0,
      flags: 0,
      verified: true,
      mfa_enabled: true,
      email: null,
    };
    const userCount = Math.max(
      options.guildShape.members * 2 + 16,
      Math.ceil((options.guildCount * options.guildShape.members) / 2),
    );
    const { email, verified, mfa_enabled, flags, ...publicBot } = this.bot;
    this.publicBot = publicBot as UserPayload;
    this.#seed = { seed: options.seed, shape: options.guildShape, userCount, bot: this.publicBot };
    // An owner may run code in the bot, so nobody may guess an owner's id.
    this.ownerIds = Array.from({ length: options.ownerCount }, () => this.ensureUser(randomUserId()).id);
    for (let index = 0; index < options.guildCount; index++) this.#guilds.set(seededId(index), index);
  }

  get ownerId(): string {
    return this.ownerIds[0] ?? this.bot.id;
  }

  get guildIds(): string[] {
    return [...this.#guilds.keys()];
  }

  hasGuild(guildId: string): boolean {
    return this.#guilds.has(guildId);
  }

  guildIdsOfShard(shardId: number, shardCount: number): string[] {
    return this.guildIds.filter((id) => shardIdOf(id, shardCount) === shardId);
  }

  /** The guild as it is now. Do not change it: it may exist for this call only. See {@link change}. */
  findGuild(guildId: string): GuildPayload | undefined {
    const entry = this.#guilds.get(guildId);
    return typeof entry === 'number' ? seededGuild(this.#seed, entry) : entry;
  }

  /** As {@link findGuild}, for a caller who needs no member but the bot and those in voice channels. Much cheaper. */
  findGuildWithoutMembers(guildId: string): GuildPayload | undefined {
    const entry = this.#guilds.get(guildId);
    return typeof entry === 'number' ? seededGuild(this.#seed, entry, true) : entry;
  }

  /** As {@link findGuild}. Throws a RangeError if the bot is not in the guild. */
  getGuild(guildId: string): GuildPayload {
    const guild = this.findGuild(guildId);
    if (guild === undefined) throw new RangeError(`no guild ${guildId} in the local Discord`);
    return guild;
  }

  /** The guild, kept from now on: what the caller changes in it stays. Throws a RangeError if the bot is not in it. */
  change(guildId: string): GuildPayload {
    const guild = this.getGuild(guildId);
    this.#guilds.set(guildId, guild);
    return guild;
  }

  addGuild(guild: GuildPayload): void {
    this.#guilds.set(guild.id, guild);
    for (const channel of [...guild.channels, ...guild.threads]) this.#addedChannels.set(channel.id, guild.id);
  }

  removeGuild(guildId: string): boolean {
    return this.#guilds.delete(guildId);
  }

  /** Call this for each channel or thread that is added to a guild: {@link findChannel} finds it by its id alone then. */
  indexChannel(channelId: string, guildId: string): void {
    this.#addedChannels.set(channelId, guildId);
  }

  /** A channel, thread or DM by its id. */
  findChannel(channelId: string): ChannelPayload | undefined {
    const dm = this.#dms.get(channelId);
    if (dm !== undefined) return dm;
    const parsed = parseSeededId(channelId);
    const guildId = this.#addedChannels.get(channelId) ?? (parsed && seededId(parsed.guildIndex));
    if (guildId === undefined) return undefined;
    const entry = this.#guilds.get(guildId);
    if (entry === undefined) return undefined;
    if (typeof entry === 'number') {
      if (parsed === undefined) return undefined;
      return this.#seededChannel(parsed.kind, entry, parsed.index);
    }
    return [...entry.channels, ...entry.threads].find((channel) => channel.id === channelId);
  }

  #seededChannel(kind: string, guildIndex: number, index: number): ChannelPayload | undefined {
    const { shape } = this.#seed;
    if (kind === 'channel' && index < Math.max(1, shape.channels)) return seededChannel(this.#seed, guildIndex, index);
    if (kind === 'thread' && index < shape.threads) return seededThread(this.#seed, guildIndex, index);
    return undefined;
  }

  /**
   * Where users act in a guild: in the channel of that id, or in the guild's first text channel if no id is given.
   * Throws a RangeError if the guild has no such channel.
   */
  channelIn(guildId: string, channelId: string | undefined): ChannelPayload {
    const channel = channelId === undefined ? this.defaultChannel(guildId) : this.findChannel(channelId);
    if (channel?.guild_id !== guildId) throw new RangeError(`guild ${guildId} has no such channel`);
    return channel;
  }

  /** The guild's first text channel. */
  defaultChannel(guildId: string): ChannelPayload | undefined {
    const entry = this.#guilds.get(guildId);
    if (entry === undefined) return undefined;
    if (typeof entry === 'number') return seededChannel(this.#seed, entry, seededTextChannelIndex(this.#seed));
    return entry.channels.find((channel) => channel.type === CHANNEL_TEXT) ?? entry.channels[0];
  }

  /** A human member of the guild: number `choice`, modulo how many there are. */
  someMember(guildId: string, choice: number): MemberPayload | undefined {
    const entry = this.#guilds.get(guildId);
    if (entry === undefined) return undefined;
    if (typeof entry === 'number') {
      const humans = Math.max(1, this.#seed.shape.members - 1);
      return seededMember(this.#seed, entry, 1 + (choice % humans));
    }
    const humans = entry.members.filter((member) => member.user.bot !== true);
    return humans[choice % Math.max(1, humans.length)];
  }

  findMember(guildId: string, userId: string): MemberPayload | undefined {
    const entry = this.#guilds.get(guildId);
    if (typeof entry !== 'number') return entry?.members.find((member) => member.user.id === userId);
    if (userId === this.bot.id) return seededMember(this.#seed, entry, 0);
    const userIndex = parseSeededUserId(userId);
    const index = userIndex === undefined ? undefined : seededMemberIndex(this.#seed, entry, userIndex);
    return index === undefined ? undefined : seededMember(this.#seed, entry, index);
  }

  /**
   * Who acts in a guild: the member of that id, or member `choice` if no id is given. A user who is not a member, such as
   * the owner of the application, comes as a visitor without roles.
   */
  actingMember(guildId: string, userId: string | undefined, choice: number): MemberPayload {
    const member = userId === undefined ? this.someMember(guildId, choice) : this.findMember(guildId, userId);
    return member ?? newMember(this.ensureUser(userId ?? this.ownerId), new Date(0).toISOString());
  }

  botMember(guildId: string): MemberPayload | undefined {
    return this.findMember(guildId, this.bot.id);
  }

  findUser(userId: string): UserPayload | undefined {
    if (userId === this.bot.id) return this.publicBot;
    const added = this.#addedUsers.get(userId);
    if (added !== undefined) return added;
    const index = parseSeededUserId(userId);
    return index !== undefined && index < this.#seed.userCount ? seededUser(index) : undefined;
  }

  /** The user of that id. The world makes one if there is none yet, so a simulated user can come from anywhere. */
  ensureUser(userId: string): UserPayload {
    const found = this.findUser(userId);
    if (found !== undefined) return found;
    const user = { ...seededUser(0), id: userId, username: `user_${userId}`, global_name: null };
    this.#addedUsers.set(userId, user);
    return user;
  }

  createUser(): UserPayload {
    return this.ensureUser(this.snowflakes.next());
  }

  /** The DM channel of the bot and the user. It is the same one each time. */
  openDm(userId: string): ChannelPayload {
    const user = this.ensureUser(userId);
    const known = this.#dms.get(this.#dmOfUser.get(userId) ?? '');
    if (known !== undefined) return known;
    const channel: ChannelPayload = {
      id: this.snowflakes.next(),
      type: CHANNEL_DM,
      flags: 0,
      last_message_id: null,
      recipients: [user],
    };
    this.#dms.set(channel.id, channel);
    this.#dmOfUser.set(userId, channel.id);
    return channel;
  }
}

import { createHash } from 'node:crypto';
import type { ResolvedOptions } from '../options.js';
import {
  CHANNEL_DM,
  CHANNEL_TEXT,
  type ChannelPayload,
  type GuildPayload,
  type Json,
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
 * Owns what exists: guilds with their channels, roles and members, users, DMs, the bot and its application. Knows nothing of
 * sessions or requests.
 *
 * A guild is made from the seed each time it is asked for, until something in it changes: from then on it is held. So
 * four thousand guilds cost nothing but their ids.
 */
export class World {
  readonly snowflakes = new SnowflakeSource();
  readonly bot: UserPayload;
  readonly applicationId: string;
  /** How the application can be installed: 0 to guilds, 1 to users. */
  readonly integrationTypes: readonly number[] = [0, 1];
  readonly ownerIds: readonly string[];
  readonly #seed: Seed;
  /** Of seeded guilds that have not changed: their number. Of the others: what they are now. */
  readonly #guilds = new Map<string, number | GuildPayload>();
  /** Guild of each channel or thread that did not come from the seed. */
  readonly #addedChannels = new Map<string, string>();
  readonly #dms = new Map<string, ChannelPayload>();
  readonly #dmOfUser = new Map<string, string>();
  readonly #addedUsers = new Map<string, UserPayload>();
  readonly #presence = new Map<string, Json>();

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
    this.applicationId = seededUserId(APPLICATION_INDEX);
    const userCount = Math.max(
      options.guildShape.members * 2 + 16,
      Math.ceil((options.guildCount * options.guildShape.members) / 2),
    );
    const { email, verified, mfa_enabled, flags, ...publicBot } = this.bot;
    this.#seed = { seed: options.seed, shape: options.guildShape, userCount, bot: publicBot as UserPayload };
    // An owner may run code in the bot. Whoever knows that id must not be everybody.
    this.ownerIds = Array.from({ length: options.ownerCount }, () => this.ensureUser(randomUserId()).id);
    for (let index = 0; index < options.guildCount; index++) this.#guilds.set(seededId(index), index);
  }

  get ownerId(): string {
    return this.ownerIds[0] ?? this.bot.id;
  }

  get teamId(): string {
    return seededUserId(TEAM_INDEX);
  }

  get guildIds(): string[] {
    return [...this.#guilds.keys()];
  }

  get guildCount(): number {
    return this.#guilds.size;
  }

  hasGuild(guildId: string): boolean {
    return this.#guilds.has(guildId);
  }

  guildIdsOfShard(shardId: number, shardCount: number): string[] {
    return this.guildIds.filter((id) => shardIdOf(id, shardCount) === shardId);
  }

  /** The guild as it is now. Not to be changed: it may be made for this call only. See {@link change}. */
  findGuild(guildId: string): GuildPayload | undefined {
    const entry = this.#guilds.get(guildId);
    return typeof entry === 'number' ? seededGuild(this.#seed, entry) : entry;
  }

  /** The same for one who will look at no member but the bot and those in voice channels. Much cheaper. */
  findGuildWithoutMembers(guildId: string): GuildPayload | undefined {
    const entry = this.#guilds.get(guildId);
    return typeof entry === 'number' ? seededGuild(this.#seed, entry, true) : entry;
  }

  /** The guild, held from now on: what the caller changes in it stays. Throws when the bot is not in it. */
  change(guildId: string): GuildPayload {
    const guild = this.findGuild(guildId);
    if (guild === undefined) throw new RangeError(`no guild ${guildId} in the local Discord`);
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

  /** To be told of each channel or thread that is added to a guild, so that it can be found by its id alone. */
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

  /** Where simulated users are when the caller does not say: the guild's first text channel. */
  defaultChannel(guildId: string): ChannelPayload | undefined {
    const entry = this.#guilds.get(guildId);
    if (entry === undefined) return undefined;
    if (typeof entry === 'number') return seededChannel(this.#seed, entry, seededTextChannelIndex(this.#seed));
    return entry.channels.find((channel) => channel.type === CHANNEL_TEXT) ?? entry.channels[0];
  }

  /** Some human member of the guild; `choice` says which one, modulo how many there are. */
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
   * Who acts in a guild: the member of that id, or some member when none is given. A user who is no member, e.g. the owner of
   * the application, comes as a visitor without roles.
   */
  actingMember(guildId: string, userId: string | undefined, choice: number): MemberPayload {
    const member = userId === undefined ? this.someMember(guildId, choice) : this.findMember(guildId, userId);
    if (member !== undefined) return member;
    return {
      user: this.ensureUser(userId ?? this.ownerId),
      nick: null,
      roles: [],
      joined_at: new Date(0).toISOString(),
      avatar: null,
      premium_since: null,
      communication_disabled_until: null,
      deaf: false,
      mute: false,
      pending: false,
      flags: 0,
    };
  }

  botMember(guildId: string): MemberPayload | undefined {
    const entry = this.#guilds.get(guildId);
    if (typeof entry === 'number') return seededMember(this.#seed, entry, 0);
    return entry?.members.find((member) => member.user.id === this.bot.id);
  }

  findUser(userId: string): UserPayload | undefined {
    if (userId === this.bot.id) return this.#seed.bot;
    const added = this.#addedUsers.get(userId);
    if (added !== undefined) return added;
    const index = parseSeededUserId(userId);
    return index !== undefined && index < this.#seed.userCount ? seededUser(index) : undefined;
  }

  /** The user of that id, made up when there is none yet: a simulated user can walk in from anywhere. */
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

  /** The DM channel of the bot and a user, the same one each time. */
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

  /** A presence a session set for the bot, by session. */
  setPresence(sessionId: string, presence: Json): void {
    this.#presence.set(sessionId, presence);
  }

  forgetPresence(sessionId: string): void {
    this.#presence.delete(sessionId);
  }

  presenceOf(sessionId: string): Json | undefined {
    return this.#presence.get(sessionId);
  }

  /** The application, as GET /applications/@me shows it to its own bot. */
  application(): Json {
    const owner = this.ensureUser(this.ownerId);
    const isTeam = this.ownerIds.length > 1;
    const team = {
      id: this.teamId,
      icon: null,
      name: 'Local team',
      owner_user_id: this.ownerId,
      members: this.ownerIds.map((id, index) => ({
        user: this.ensureUser(id),
        team_id: this.teamId,
        membership_state: 2,
        role: index === 0 ? 'admin' : 'developer',
        permissions: ['*'],
      })),
    };
    return {
      id: this.applicationId,
      name: this.bot.username,
      icon: null,
      description: 'An application of the local Discord.',
      type: null,
      summary: '',
      bot: this.#seed.bot,
      bot_public: true,
      bot_require_code_grant: false,
      // A team's application shows a made-up user as its owner (discord.com/developers/docs/topics/teams).
      owner: isTeam ? { ...owner, id: this.teamId, username: `team${this.teamId}` } : owner,
      team: isTeam ? team : null,
      verify_key: createHash('sha256').update(this.applicationId).digest('hex'),
      flags: 0,
      approximate_guild_count: this.guildCount,
      approximate_user_install_count: 0,
      approximate_user_authorization_count: 0,
      install_params: { scopes: ['bot', 'applications.commands'], permissions: '2048' },
      // A new application can be installed to guilds and to users.
      integration_types_config: Object.fromEntries(this.integrationTypes.map((type) => [type, {}])),
      interactions_endpoint_url: null,
      redirect_uris: [],
      event_webhooks_status: 1,
    };
  }
}

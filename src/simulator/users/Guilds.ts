import type { Gateway } from '../gateway/Gateway.js';
import { newGuildProperties, newMember, newRole, newTextChannel, newThread } from '../world/blueprints.js';
import type { ChannelPayload, GuildPayload, Json, MemberPayload, RolePayload } from '../world/payloads.js';
import type { World } from '../world/World.js';

/**
 * What people do in guilds. Every method changes the world and sends the event to the sessions it concerns, so a test can
 * compare a client's cache with the truth. Methods throw a RangeError for things that do not exist.
 */
export class Guilds {
  constructor(
    private readonly world: World,
    private readonly gateway: Gateway,
  ) {}

  /** @returns a copy of the whole guild as it is now. */
  get(guildId: string): GuildPayload {
    return structuredClone(this.world.getGuild(guildId));
  }

  /**
   * Somebody adds the bot to a new guild.
   * @returns the guild's id.
   */
  join(name = 'a new guild'): string {
    const id = this.world.snowflakes.next();
    const owner = this.world.createUser();
    const joinedAt = new Date().toISOString();
    const guild: GuildPayload = {
      ...newGuildProperties(id, name, owner.id),
      joined_at: joinedAt,
      roles: [newRole(id, '@everyone', '0', 0)],
      emojis: [],
      channels: [this.#newChannel(id, { name: 'general' })],
      threads: [],
      members: [this.world.publicBot, owner].map((user) => newMember(user, joinedAt)),
      member_count: 2,
      presences: [],
      voice_states: [],
    };
    this.world.addGuild(guild);
    this.gateway.dispatchGuildCreate(id);
    return id;
  }

  /** Somebody removes the bot from the guild. */
  leave(guildId: string): void {
    if (!this.world.removeGuild(guildId)) throw new RangeError(`no guild ${guildId} in the local Discord`);
    this.gateway.dispatchGuildDelete(guildId, { id: guildId });
  }

  /** An outage makes the guild unavailable until {@link recover}. */
  fail(guildId: string): void {
    this.gateway.dispatchGuildDelete(guildId, { id: guildId, unavailable: true });
  }

  recover(guildId: string): void {
    this.gateway.dispatchGuildCreate(guildId);
  }

  update(guildId: string, patch: Json): GuildPayload {
    const guild = Object.assign(this.world.change(guildId), patch, { id: guildId });
    const { channels, threads, members, presences, voice_states, member_count, ...visible } = guild;
    this.#tell('GUILD_UPDATE', guildId, visible);
    return guild;
  }

  createChannel(guildId: string, patch: Json = {}): ChannelPayload {
    const guild = this.world.change(guildId);
    const channel = this.#newChannel(guildId, patch, guild.channels.length);
    guild.channels.push(channel);
    this.world.indexChannel(channel.id, guildId);
    this.#tell('CHANNEL_CREATE', guildId, channel);
    return channel;
  }

  updateChannel(channelId: string, patch: Json): ChannelPayload {
    const { guild, channel } = this.#changeChannel(channelId);
    Object.assign(channel, patch, { id: channelId });
    const isThread = guild.threads.includes(channel);
    this.#tell(isThread ? 'THREAD_UPDATE' : 'CHANNEL_UPDATE', guild.id, channel);
    return channel;
  }

  deleteChannel(channelId: string): void {
    const { guild, channel } = this.#changeChannel(channelId);
    if (guild.threads.includes(channel)) {
      guild.threads = guild.threads.filter((thread) => thread !== channel);
      const { id, type, parent_id } = channel;
      this.#tell('THREAD_DELETE', guild.id, { id, type, parent_id, guild_id: guild.id });
      return;
    }
    guild.channels = guild.channels.filter((other) => other !== channel);
    guild.threads = guild.threads.filter((thread) => thread.parent_id !== channelId);
    this.#tell('CHANNEL_DELETE', guild.id, channel);
  }

  createThread(parentId: string, patch: Json = {}): ChannelPayload {
    const { guild } = this.#changeChannel(parentId);
    const created = new Date().toISOString();
    const id = this.world.snowflakes.next();
    const thread = newThread(id, guild.id, parentId, guild.owner_id, 'a thread', created);
    Object.assign(thread, patch, { id, guild_id: guild.id, parent_id: parentId });
    guild.threads.push(thread);
    this.world.indexChannel(thread.id, guild.id);
    this.#tell('THREAD_CREATE', guild.id, { ...thread, newly_created: true });
    return thread;
  }

  createRole(guildId: string, patch: Json = {}): RolePayload {
    const guild = this.world.change(guildId);
    const id = this.world.snowflakes.next();
    const role = Object.assign(newRole(id, 'a role', '0', guild.roles.length), patch, { id });
    guild.roles.push(role);
    this.#tell('GUILD_ROLE_CREATE', guildId, { guild_id: guildId, role });
    return role;
  }

  updateRole(guildId: string, roleId: string, patch: Json): RolePayload {
    const role = this.world.change(guildId).roles.find((candidate) => candidate.id === roleId);
    if (role === undefined) throw new RangeError(`guild ${guildId} has no role ${roleId}`);
    Object.assign(role, patch, { id: roleId });
    this.#tell('GUILD_ROLE_UPDATE', guildId, { guild_id: guildId, role });
    return role;
  }

  deleteRole(guildId: string, roleId: string): void {
    const guild = this.world.change(guildId);
    guild.roles = guild.roles.filter((role) => role.id !== roleId);
    for (const member of guild.members) member.roles = member.roles.filter((id) => id !== roleId);
    this.#tell('GUILD_ROLE_DELETE', guildId, { guild_id: guildId, role_id: roleId });
  }

  /** A user joins the guild. Without an id it is a new user. */
  addMember(guildId: string, userId?: string): MemberPayload {
    const guild = this.world.change(guildId);
    const user = userId === undefined ? this.world.createUser() : this.world.ensureUser(userId);
    const member = newMember(user, new Date().toISOString());
    guild.members.push(member);
    guild.member_count++;
    this.#tell('GUILD_MEMBER_ADD', guildId, { ...member, guild_id: guildId });
    return member;
  }

  updateMember(guildId: string, userId: string, patch: Json): MemberPayload {
    const { member } = this.#changeMember(guildId, userId);
    Object.assign(member, patch, { user: member.user });
    // Discord tells the bot of changes to itself whatever its intents: discord.com/developers/docs/events/gateway#caveats
    const ignoresIntents = userId === this.world.bot.id;
    const data = { ...member, guild_id: guildId };
    this.gateway.dispatchToGuild('GUILD_MEMBER_UPDATE', guildId, data, { isState: true, ignoresIntents });
    return member;
  }

  removeMember(guildId: string, userId: string): void {
    const { guild, member } = this.#changeMember(guildId, userId);
    guild.members = guild.members.filter((other) => other !== member);
    guild.member_count--;
    this.#tell('GUILD_MEMBER_REMOVE', guildId, { guild_id: guildId, user: member.user });
  }

  #tell(event: string, guildId: string, data: unknown): void {
    this.gateway.dispatchToGuild(event, guildId, data, { isState: true });
  }

  #changeMember(guildId: string, userId: string): { guild: GuildPayload; member: MemberPayload } {
    const guild = this.world.change(guildId);
    const member = guild.members.find((candidate) => candidate.user.id === userId);
    if (member === undefined) throw new RangeError(`guild ${guildId} has no member ${userId}`);
    return { guild, member };
  }

  #changeChannel(channelId: string): { guild: GuildPayload; channel: ChannelPayload } {
    const guildId = this.world.findChannel(channelId)?.guild_id;
    const guild = guildId === undefined ? undefined : this.world.change(guildId);
    const channel = [guild?.channels, guild?.threads].flat().find((candidate) => candidate?.id === channelId);
    if (guild === undefined || channel === undefined)
      throw new RangeError(`no guild channel ${channelId} in the local Discord`);
    return { guild, channel };
  }

  #newChannel(guildId: string, patch: Json, position = 0): ChannelPayload {
    const channel = newTextChannel(this.world.snowflakes.next(), guildId, position, 'a-channel');
    return Object.assign(channel, patch, { id: channel.id, guild_id: guildId });
  }
}

import type { Gateway } from '../gateway/Gateway.js';
import {
  CHANNEL_TEXT,
  CHANNEL_THREAD,
  type ChannelPayload,
  type GuildPayload,
  type Json,
  type MemberPayload,
  type RolePayload,
} from '../world/payloads.js';
import { guildProperties } from '../world/seededGuild.js';
import type { World } from '../world/World.js';

/**
 * What happens in guilds: every method changes the world and tells the sessions it concerns, so that a client's cache can be
 * compared with what is true. Throws a RangeError for things that do not exist.
 */
export class Guilds {
  constructor(
    private readonly world: World,
    private readonly gateway: Gateway,
  ) {}

  /** The guild as it is now, complete; a copy. */
  get(guildId: string): GuildPayload {
    const guild = this.world.findGuild(guildId);
    if (guild === undefined) throw new RangeError(`no guild ${guildId} in the local Discord`);
    return structuredClone(guild);
  }

  /** The bot is added to a new guild. Returns its id. */
  join(name = 'a new guild'): string {
    const id = this.world.snowflakes.next();
    const owner = this.world.createUser();
    const member = (user: MemberPayload['user']) => this.#newMember(user);
    const guild: GuildPayload = {
      ...guildProperties(id, name, owner.id),
      joined_at: new Date().toISOString(),
      roles: [this.#newRole({ name: '@everyone', position: 0 }, id)],
      emojis: [],
      channels: [this.#newChannel(id, { name: 'general' })],
      threads: [],
      members: [member(this.world.findUser(this.world.bot.id) ?? this.world.bot), member(owner)],
      member_count: 2,
      presences: [],
      voice_states: [],
    };
    this.world.addGuild(guild);
    this.gateway.dispatchGuildCreate(id);
    return id;
  }

  /** The bot is removed from the guild. */
  leave(guildId: string): void {
    if (!this.world.removeGuild(guildId)) throw new RangeError(`no guild ${guildId} in the local Discord`);
    this.gateway.dispatchGuildDelete(guildId, { id: guildId });
  }

  /** The guild goes away for a while because of an outage; {@link recover} brings it back. */
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
    const channel = this.#newChannel(guildId, { position: guild.channels.length, ...patch });
    guild.channels.push(channel);
    this.world.indexChannel(channel.id, guildId);
    this.#tell('CHANNEL_CREATE', guildId, channel);
    return channel;
  }

  updateChannel(channelId: string, patch: Json): ChannelPayload {
    const { guild, channel } = this.#heldChannel(channelId);
    Object.assign(channel, patch, { id: channelId });
    const isThread = guild.threads.includes(channel);
    this.#tell(isThread ? 'THREAD_UPDATE' : 'CHANNEL_UPDATE', guild.id, channel);
    return channel;
  }

  deleteChannel(channelId: string): void {
    const { guild, channel } = this.#heldChannel(channelId);
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
    const { guild } = this.#heldChannel(parentId);
    const created = new Date().toISOString();
    const thread: ChannelPayload = {
      type: CHANNEL_THREAD,
      name: 'a thread',
      owner_id: guild.owner_id,
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
      ...patch,
      id: this.world.snowflakes.next(),
      guild_id: guild.id,
      parent_id: parentId,
    };
    guild.threads.push(thread);
    this.world.indexChannel(thread.id, guild.id);
    this.#tell('THREAD_CREATE', guild.id, { ...thread, newly_created: true });
    return thread;
  }

  createRole(guildId: string, patch: Json = {}): RolePayload {
    const guild = this.world.change(guildId);
    const role = this.#newRole({ position: guild.roles.length, ...patch });
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

  /** A user joins the guild: the one of that id, or a new one. */
  addMember(guildId: string, userId?: string): MemberPayload {
    const guild = this.world.change(guildId);
    const user = userId === undefined ? this.world.createUser() : this.world.ensureUser(userId);
    const member = this.#newMember(user);
    guild.members.push(member);
    guild.member_count++;
    this.#tell('GUILD_MEMBER_ADD', guildId, { ...member, guild_id: guildId });
    return member;
  }

  updateMember(guildId: string, userId: string, patch: Json): MemberPayload {
    const member = this.world.change(guildId).members.find((candidate) => candidate.user.id === userId);
    if (member === undefined) throw new RangeError(`guild ${guildId} has no member ${userId}`);
    Object.assign(member, patch, { user: member.user });
    // The bot is told of changes to itself in any case: discord.com/developers/docs/events/gateway#caveats
    const ignoresIntents = userId === this.world.bot.id;
    const data = { ...member, guild_id: guildId };
    this.gateway.dispatchToGuild('GUILD_MEMBER_UPDATE', guildId, data, { isState: true, ignoresIntents });
    return member;
  }

  removeMember(guildId: string, userId: string): void {
    const guild = this.world.change(guildId);
    const member = guild.members.find((candidate) => candidate.user.id === userId);
    if (member === undefined) throw new RangeError(`guild ${guildId} has no member ${userId}`);
    guild.members = guild.members.filter((other) => other !== member);
    guild.member_count--;
    this.#tell('GUILD_MEMBER_REMOVE', guildId, { guild_id: guildId, user: member.user });
  }

  #tell(event: string, guildId: string, data: unknown): void {
    this.gateway.dispatchToGuild(event, guildId, data, { isState: true });
  }

  #heldChannel(channelId: string): { guild: GuildPayload; channel: ChannelPayload } {
    const guildId = this.world.findChannel(channelId)?.guild_id;
    if (guildId === undefined) throw new RangeError(`no guild channel ${channelId} in the local Discord`);
    const guild = this.world.change(guildId);
    const channel = [...guild.channels, ...guild.threads].find((candidate) => candidate.id === channelId);
    if (channel === undefined) throw new RangeError(`no guild channel ${channelId} in the local Discord`);
    return { guild, channel };
  }

  #newChannel(guildId: string, patch: Json): ChannelPayload {
    return {
      type: CHANNEL_TEXT,
      name: 'a-channel',
      position: 0,
      parent_id: null,
      permission_overwrites: [],
      nsfw: false,
      topic: null,
      rate_limit_per_user: 0,
      last_message_id: null,
      flags: 0,
      ...patch,
      id: this.world.snowflakes.next(),
      guild_id: guildId,
    };
  }

  #newRole(patch: Json, id = this.world.snowflakes.next()): RolePayload {
    return {
      name: 'a role',
      permissions: '0',
      position: 1,
      color: 0,
      colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
      hoist: false,
      managed: false,
      mentionable: false,
      icon: null,
      unicode_emoji: null,
      flags: 0,
      ...patch,
      id,
    };
  }

  #newMember(user: MemberPayload['user']): MemberPayload {
    return {
      user,
      nick: null,
      roles: [],
      joined_at: new Date().toISOString(),
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
}

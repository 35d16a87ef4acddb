import { now } from '../account/now.js';
import { isJson, type Json, type MemberPayload } from '../world/payloads.js';
import { isSnowflake } from '../world/snowflakes.js';
import type { World } from '../world/World.js';
import type { Gateway } from './Gateway.js';
import { type GatewayConnection, IDENTIFY, RESUME } from './GatewayConnection.js';
import type { Handshake } from './Handshake.js';
import { isPresence } from './identifyPayload.js';
import type { Session } from './Session.js';

const PRESENCE_UPDATE = 3;
const VOICE_STATE_UPDATE = 4;
const REQUEST_GUILD_MEMBERS = 8;
const REQUEST_SOUNDBOARD_SOUNDS = 31;
const MEMBERS_PER_CHUNK = 1000;
const MAX_MEMBERS_BY_QUERY = 100;
/** A client may ask for all members of a guild once in 30 s: discord.com/developers/docs/events/gateway-events#rate-limited */
const ALL_MEMBERS_INTERVAL_MS = 30_000;

/**
 * Answers what a client asks over the gateway: presence, voice state, guild members, soundboard. The {@link Handshake}
 * answers IDENTIFY and RESUME.
 */
export class ClientRequests {
  readonly #allMembersAskedAt = new Map<string, number>();

  constructor(
    private readonly handshake: Handshake,
    private readonly gateway: Gateway,
    private readonly world: World,
  ) {}

  handle(connection: GatewayConnection, opcode: number, data: unknown): void {
    if (opcode === IDENTIFY) this.handshake.identify(connection, data);
    else if (opcode === RESUME) this.handshake.resume(connection, data);
    else if (connection.session !== undefined) this.#request(connection, connection.session, opcode, data);
  }

  #request(connection: GatewayConnection, session: Session, opcode: number, data: unknown): void {
    switch (opcode) {
      case PRESENCE_UPDATE:
        // The local Discord shows the bot's presence to nobody but the test.
        if (isPresence(data)) session.presence = data;
        else connection.refuse(4002, 'malformedPayload', 'not a valid presence update');
        return;
      case VOICE_STATE_UPDATE:
        this.#voiceState(connection, session, data);
        return;
      case REQUEST_GUILD_MEMBERS:
        this.#members(connection, session, data);
        return;
      case REQUEST_SOUNDBOARD_SOUNDS:
        this.#soundboard(connection, session, data);
        return;
      default:
        // Discord documents opcode 43, channel info, but no channel here has any.
        return;
    }
  }

  #voiceState(connection: GatewayConnection, session: Session, data: unknown): void {
    const guildId = isJson(data) ? data.guild_id : undefined;
    const channelId = isJson(data) ? data.channel_id : undefined;
    if (!isJson(data) || !isSnowflake(guildId) || (channelId !== null && !isSnowflake(channelId))) {
      connection.refuse(4002, 'malformedPayload', 'not a valid voice state update');
      return;
    }
    if (!this.world.hasGuild(guildId) || !session.holds(guildId)) return;
    const guild = this.world.change(guildId);
    guild.voice_states = guild.voice_states.filter((state) => state.user_id !== this.world.bot.id);
    const state = {
      guild_id: guildId,
      channel_id: channelId,
      user_id: this.world.bot.id,
      member: this.world.botMember(guildId),
      session_id: session.id,
      deaf: false,
      mute: false,
      self_deaf: data.self_deaf === true,
      self_mute: data.self_mute === true,
      self_video: false,
      suppress: false,
      request_to_speak_timestamp: null,
    };
    if (channelId !== null) guild.voice_states.push(state);
    this.gateway.dispatchToGuild('VOICE_STATE_UPDATE', guildId, state);
    if (channelId === null) return;
    session.dispatch('VOICE_SERVER_UPDATE', JSON.stringify({ guild_id: guildId, token: 'local', endpoint: null }));
  }

  /** discord.com/developers/docs/events/gateway-events#request-guild-members */
  #members(connection: GatewayConnection, session: Session, data: unknown): void {
    if (!isJson(data)) {
      connection.refuse(4002, 'malformedPayload', 'request for members without data');
      return;
    }
    // Libraries send the one guild in an array, which Discord still takes.
    const ids: unknown[] = Array.isArray(data.guild_id) ? data.guild_id : [data.guild_id];
    const [guildId] = ids;
    const wantsUsers = data.user_ids !== undefined && data.user_ids !== null;
    if (ids.length !== 1 || !isSnowflake(guildId) || (typeof data.query !== 'string' && !wantsUsers)) {
      connection.refuse(4002, 'malformedPayload', 'request for members needs one guild_id, and query or user_ids');
      return;
    }
    const guild = this.world.findGuild(guildId);
    if (guild === undefined || !session.holds(guildId)) return;
    const wantsAll = !wantsUsers && data.query === '' && data.limit === 0;
    const wantsPresences = data.presences === true;
    if ((wantsAll && !session.has('guildMembers')) || (wantsPresences && !session.has('guildPresences'))) {
      connection.complain('membersWithoutIntent', `members of ${guildId} asked for without the intent for it`);
      return;
    }
    const nonce = typeof data.nonce === 'string' && Buffer.byteLength(data.nonce) <= 32 ? data.nonce : undefined;
    if (wantsAll && this.#isTooSoon(session, guildId, nonce)) return;
    const members = wantsUsers ? usersOf(guild.members, data.user_ids) : queried(guild.members, data);
    const notFound = wantsUsers ? missing(members, data.user_ids) : [];
    const chunkCount = Math.max(1, Math.ceil(members.length / MEMBERS_PER_CHUNK));
    for (let index = 0; index < chunkCount; index++) {
      const part = members.slice(index * MEMBERS_PER_CHUNK, (index + 1) * MEMBERS_PER_CHUNK);
      const partIds = new Set(part.map((member) => member.user.id));
      const chunk = {
        guild_id: guildId,
        members: part,
        chunk_index: index,
        chunk_count: chunkCount,
        not_found: notFound,
        ...(wantsPresences ? { presences: guild.presences.filter(({ user }) => partIds.has(user.id)) } : {}),
        ...(nonce === undefined ? {} : { nonce }),
      };
      session.dispatch('GUILD_MEMBERS_CHUNK', JSON.stringify(chunk));
    }
  }

  #isTooSoon(session: Session, guildId: string, nonce: string | undefined): boolean {
    const last = this.#allMembersAskedAt.get(guildId);
    const waitMs = last === undefined ? 0 : last + ALL_MEMBERS_INTERVAL_MS - now();
    if (waitMs <= 0) {
      this.#allMembersAskedAt.set(guildId, now());
      return false;
    }
    const meta = { guild_id: guildId, ...(nonce === undefined ? {} : { nonce }) };
    session.dispatch(
      'RATE_LIMITED',
      JSON.stringify({ opcode: REQUEST_GUILD_MEMBERS, retry_after: waitMs / 1000, meta }),
    );
    return true;
  }

  #soundboard(connection: GatewayConnection, session: Session, data: unknown): void {
    const ids = isJson(data) ? data.guild_ids : undefined;
    if (!Array.isArray(ids) || !ids.every(isSnowflake)) {
      connection.refuse(4002, 'malformedPayload', 'request for soundboard sounds needs guild_ids');
      return;
    }
    for (const guildId of ids) {
      if (!this.world.hasGuild(guildId) || !session.holds(guildId)) continue;
      session.dispatch('SOUNDBOARD_SOUNDS', JSON.stringify({ guild_id: guildId, soundboard_sounds: [] }));
    }
  }
}

function idsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter(isSnowflake).slice(0, MAX_MEMBERS_BY_QUERY);
}

function usersOf(members: readonly MemberPayload[], ids: unknown): MemberPayload[] {
  const wanted = new Set(idsOf(ids));
  return members.filter((member) => wanted.has(member.user.id));
}

function missing(found: readonly MemberPayload[], ids: unknown): string[] {
  const foundIds = new Set(found.map((member) => member.user.id));
  return idsOf(ids).filter((id) => !foundIds.has(id));
}

function queried(members: readonly MemberPayload[], data: Json): MemberPayload[] {
  const query = String(data.query).toLowerCase();
  if (query === '' && data.limit === 0) return [...members];
  const limit = Math.min(MAX_MEMBERS_BY_QUERY, Number(data.limit ?? 0) || MAX_MEMBERS_BY_QUERY);
  const matches = (member: MemberPayload) =>
    member.user.username.toLowerCase().startsWith(query) || (member.nick ?? '').toLowerCase().startsWith(query);
  return members.filter(matches).slice(0, limit);
}

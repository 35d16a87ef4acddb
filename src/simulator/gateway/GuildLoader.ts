import { now } from '../account/now.js';
import type { GuildPayload, MemberPayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { Session } from './Session.js';

/** How long one turn may take: the loop also has to answer everyone else. */
const SLICE_MS = 4;
/** Above this the client is behind, and sending more would only fill memory. */
const MAX_BUFFERED_BYTES = 1_000_000;
const RETRY_MS = 5;

/**
 * Sends sessions the GUILD_CREATEs that READY promised, a few at a time and to all sessions in turn, so that thousands of
 * guilds hold up neither the event loop nor memory.
 */
export class GuildLoader {
  readonly #waiting = new Set<Session>();
  /** Guilds that some session has seen come up: there the bot is online. */
  readonly seen = new Set<string>();
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly world: World) {}

  /** Goes on with a session's guilds; to be called when it has got a socket. */
  resume(session: Session): void {
    if (session.pendingGuilds.size === 0) return;
    this.#waiting.add(session);
    this.#schedule(0);
  }

  /** Sends one guild ahead of its turn, because something else about it is to be sent. */
  sendNow(session: Session, guildId: string): void {
    if (session.pendingGuilds.delete(guildId)) this.#create(session, guildId);
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#immediate !== undefined || this.#timer !== undefined) return;
    if (delayMs === 0) {
      this.#immediate = setImmediate(() => {
        this.#immediate = undefined;
        this.#slice();
      });
    } else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#slice();
      }, delayMs);
    }
  }

  #slice(): void {
    const until = now() + SLICE_MS;
    let progressed = true;
    while (progressed && now() < until) {
      progressed = false;
      for (const session of this.#waiting) progressed = this.#step(session) || progressed;
    }
    if (this.#waiting.size > 0) this.#schedule(progressed ? 0 : RETRY_MS);
  }

  /** Whether a guild was sent. */
  #step(session: Session): boolean {
    const connection = session.connection;
    const [guildId] = session.pendingGuilds;
    if (connection === undefined || guildId === undefined) {
      this.#waiting.delete(session);
      return false;
    }
    if (connection.bufferedBytes > MAX_BUFFERED_BYTES) return false;
    session.pendingGuilds.delete(guildId);
    this.#create(session, guildId);
    return true;
  }

  #create(session: Session, guildId: string): void {
    const guild = session.has('guildPresences')
      ? this.world.findGuild(guildId)
      : this.world.findGuildWithoutMembers(guildId);
    if (guild === undefined) return;
    session.dispatch('GUILD_CREATE', JSON.stringify(guildCreate(guild, session, this.world.bot.id)));
    this.seen.add(guildId);
  }
}

/**
 * A guild as a session may see it: without GUILD_PRESENCES only the bot and who is in a voice channel
 * (discord.com/developers/docs/events/gateway-events#guild-create), with it everyone, or in a large guild those that are
 * online, in voice, or have a role or nickname.
 */
export function guildCreate(guild: GuildPayload, session: Session, botId: string): GuildPayload {
  const inVoice = new Set(guild.voice_states.map((state) => state.user_id));
  const isLarge = guild.member_count > session.largeThreshold;
  const alwaysShown = (member: MemberPayload) => member.user.id === botId || inVoice.has(member.user.id);
  if (!session.has('guildPresences')) {
    return { ...guild, large: isLarge, presences: [], members: guild.members.filter(alwaysShown) };
  }
  const online = new Set(guild.presences.map((presence) => presence.user.id));
  const shown = (member: MemberPayload) =>
    !isLarge || alwaysShown(member) || online.has(member.user.id) || member.roles.length > 0 || member.nick !== null;
  return { ...guild, large: isLarge, members: guild.members.filter(shown) };
}

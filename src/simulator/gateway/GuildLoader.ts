import { now } from '../account/now.js';
import type { ChannelPayload, GuildPayload, MemberPayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { Session } from './Session.js';

/** How long one turn may take, because the event loop has to answer everyone else too. */
const SLICE_MS = 4;
/** With more than this in the buffer the client is behind, and sending more would only fill memory. */
const MAX_BUFFERED_BYTES = 1_000_000;
const RETRY_MS = 5;

/**
 * Sends sessions the GUILD_CREATEs that READY promised. It sends a few at a time, to all sessions in turn, so that thousands
 * of guilds neither block the event loop nor fill memory.
 */
export class GuildLoader {
  readonly #waiting = new Set<Session>();
  /** Guilds that the bot is online in: some session has got the GUILD_CREATE. */
  readonly seen = new Set<string>();
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly world: World) {}

  /** Goes on with a session's guilds. The caller calls it when the session gets a socket. */
  resume(session: Session): void {
    if (session.pendingGuilds.size === 0) return;
    this.#waiting.add(session);
    this.#schedule(0);
  }

  /** Sends one guild ahead of its turn, because an event of the guild is to follow. */
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

  /** @returns whether it sent a guild. */
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
 * A guild as a session may see it, with its active threads only: "archived threads are not synced up-front via the gateway"
 * (discord.com/developers/docs/topics/threads#active-archived-threads). Without GUILD_PRESENCES the session sees the bot and the members in voice channels
 * (discord.com/developers/docs/events/gateway-events#guild-create). With it the session sees everyone, or in a large guild
 * the members that are online, in voice, or have a role or nickname.
 */
function guildCreate(whole: GuildPayload, session: Session, botId: string): GuildPayload {
  const guild = { ...whole, threads: whole.threads.filter(isActive) };
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

function isActive({ thread_metadata }: ChannelPayload): boolean {
  return (thread_metadata as { readonly archived?: boolean } | undefined)?.archived !== true;
}

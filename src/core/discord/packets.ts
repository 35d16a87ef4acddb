import { Opcode } from './gatewayCodes.js';

/** One payload of the gateway, in either direction (discord.com/developers/docs/events/gateway-events#payload-structure). */
export interface GatewayPacket {
  readonly op: number;
  readonly d?: unknown;
  /** The number of a dispatch in its session; missing or null in everything else. */
  readonly s?: number | null;
  /** The name of a dispatch. */
  readonly t?: string | null;
}

/** What READY says about the bot itself. RESUMED does not repeat it, so a process that only resumes reads it from the store. */
export interface BotIdentity {
  readonly user: { readonly id: string; readonly username: string };
  readonly application: { readonly id: string; readonly flags: number };
}

// Only the fields that our code reads. Discord sends many more.

export interface ReadyData extends BotIdentity {
  readonly session_id: string;
  /** Not every proxy sends it. */
  readonly resume_gateway_url?: string | undefined;
  readonly guilds: readonly GuildData[];
  /** Discord sends an empty list to bots, and may leave it out. */
  private_channels?: unknown[];
}

export interface GuildData {
  readonly id: string;
  readonly unavailable?: boolean;
}

export interface ChannelData {
  readonly guild_id?: string;
}

export interface InteractionData {
  readonly guild_id?: string;
  member?: { id?: string; readonly user: { readonly id: string } };
  user?: unknown;
  readonly data?: { readonly resolved?: { members?: unknown } };
}

/** The dispatches whose data the gateway or an adapter reads. */
export type KnownDispatch =
  | { readonly t: 'READY'; readonly d: ReadyData }
  | { readonly t: 'RESUMED'; readonly d: unknown }
  | { readonly t: 'GUILD_CREATE' | 'GUILD_DELETE'; readonly d: GuildData }
  | { readonly t: 'CHANNEL_CREATE' | 'CHANNEL_UPDATE' | 'THREAD_CREATE' | 'THREAD_UPDATE'; readonly d: ChannelData }
  | { readonly t: 'INTERACTION_CREATE'; readonly d: InteractionData }
  | { readonly t: 'USER_UPDATE'; readonly d: BotIdentity['user'] };

const KNOWN = {
  READY: true,
  RESUMED: true,
  GUILD_CREATE: true,
  GUILD_DELETE: true,
  CHANNEL_CREATE: true,
  CHANNEL_UPDATE: true,
  THREAD_CREATE: true,
  THREAD_UPDATE: true,
  INTERACTION_CREATE: true,
  USER_UPDATE: true,
} as const satisfies Record<KnownDispatch['t'], true>;

/** {@link isWellFormed} has checked the fields that our code relies on. It takes the others to be as Discord documents them. */
export function knownDispatch(packet: GatewayPacket): KnownDispatch | undefined {
  return packet.t !== undefined && packet.t !== null && Object.hasOwn(KNOWN, packet.t)
    ? (packet as KnownDispatch)
    : undefined;
}

/**
 * Whether this is a payload of the gateway, with the fields that the gateway and the adapters rely on. From a malformed payload a
 * shard could take a session or a sequence number with which it cannot resume, or an interval at which it sends heartbeats without
 * a pause.
 */
export function isWellFormed(packet: unknown): packet is GatewayPacket {
  if (!isRecord(packet) || !Number.isSafeInteger(packet.op)) return false;
  const { op, s, t, d } = packet;
  if (s !== undefined && s !== null && !(Number.isSafeInteger(s) && Number(s) >= 0)) return false;
  if (op === Opcode.HELLO) return isRecord(d) && isDuration(d.heartbeat_interval);
  return op !== Opcode.DISPATCH || (typeof t === 'string' && isWellFormedDispatch(t, d));
}

function isWellFormedDispatch(t: string, d: unknown): boolean {
  if (!Object.hasOwn(KNOWN, t) || t === 'RESUMED') return true;
  if (!isRecord(d)) return false;
  switch (t) {
    case 'READY':
      return isId(d.session_id) && Array.isArray(d.guilds) && d.guilds.every(hasSnowflake) && isBot(d);
    case 'GUILD_CREATE':
    case 'GUILD_DELETE':
      return hasSnowflake(d);
    case 'INTERACTION_CREATE':
      return d.member === undefined || (isRecord(d.member) && isRecord(d.member.user));
    case 'USER_UPDATE':
      return isId(d.id) && isId(d.username);
    default:
      return true;
  }
}

function isBot({ user, application }: Record<string, unknown>): boolean {
  return isRecord(user) && isId(user.id) && isId(user.username) && isRecord(application);
}

function hasSnowflake(value: unknown): boolean {
  return isRecord(value) && typeof value.id === 'string' && /^\d{1,20}$/.test(value.id);
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** A longer duration overflows Node's timers, which then fire at once. */
function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value < 2 ** 31;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

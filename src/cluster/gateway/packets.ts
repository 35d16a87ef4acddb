import { Constants, type RawPacket } from 'eris';

const { DISPATCH, HELLO } = Constants.GatewayOPCodes;

/** The parts of dispatches that the gateway reads; Discord sends much more. */

export interface ReadyData {
  readonly session_id: string;
  resume_gateway_url?: string | undefined;
  readonly guilds: readonly { readonly id: string; readonly unavailable?: boolean }[];
  /** eris reads it although Discord keeps it empty for bots. */
  private_channels?: unknown[];
  readonly user: { readonly id: string; readonly username: string };
  readonly application: { readonly id: string; readonly flags: number };
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

/** Those dispatches that the gateway looks into. */
export type KnownDispatch =
  | { readonly t: 'READY'; readonly d: ReadyData }
  | { readonly t: 'RESUMED'; readonly d: unknown }
  | { readonly t: 'GUILD_CREATE' | 'GUILD_DELETE'; readonly d: GuildData }
  | { readonly t: 'CHANNEL_CREATE' | 'CHANNEL_UPDATE' | 'THREAD_CREATE' | 'THREAD_UPDATE'; readonly d: ChannelData }
  | { readonly t: 'INTERACTION_CREATE'; readonly d: InteractionData };

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
} as const satisfies Record<KnownDispatch['t'], true>;

/** The fields that are read here have been looked at, see {@link isWellFormed}; the rest is taken to be as documented. */
export function knownDispatch(packet: RawPacket): KnownDispatch | undefined {
  return packet.t !== undefined && packet.t !== null && Object.hasOwn(KNOWN, packet.t)
    ? (packet as KnownDispatch)
    : undefined;
}

/**
 * Whether a payload is one at all, and has what the gateway itself relies on. What is not would leave a shard with a session
 * or a sequence number that it cannot resume with, or with a heartbeat without end.
 */
export function isWellFormed(packet: unknown): packet is RawPacket {
  if (!isRecord(packet) || !Number.isSafeInteger(packet.op)) return false;
  const { op, s, t, d } = packet;
  if (s !== undefined && s !== null && !(Number.isSafeInteger(s) && Number(s) >= 0)) return false;
  if (op === HELLO) return isRecord(d) && isDuration(d.heartbeat_interval);
  return op !== DISPATCH || (typeof t === 'string' && isWellFormedDispatch(t, d));
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
    default:
      return true;
  }
}

function isBot({ user, application }: Record<string, unknown>): boolean {
  return isRecord(user) && isId(user.id) && isRecord(application);
}

function hasSnowflake(value: unknown): boolean {
  return isRecord(value) && typeof value.id === 'string' && /^\d{1,20}$/.test(value.id);
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** A longer one overflows Node's timers, which then fire at once. */
function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value < 2 ** 31;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

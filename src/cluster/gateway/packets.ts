import type { RawPacket } from 'eris';

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

/** What comes from Discord is taken to be as its documentation says. */
export function knownDispatch(packet: RawPacket): KnownDispatch | undefined {
  return packet.t !== undefined && packet.t !== null && Object.hasOwn(KNOWN, packet.t)
    ? (packet as KnownDispatch)
    : undefined;
}

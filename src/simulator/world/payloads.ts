/**
 * The shapes that go over the wire, as far as the simulator itself reads or writes their fields. What a client sends and the
 * simulator only stores is `Json`.
 */

export type Json = Record<string, unknown>;

export interface UserPayload extends Json {
  id: string;
  username: string;
  global_name: string | null;
  discriminator: string;
  avatar: string | null;
  bot?: boolean;
}

export interface RolePayload extends Json {
  id: string;
  name: string;
  permissions: string;
  position: number;
}

export interface ChannelPayload extends Json {
  id: string;
  type: number;
  guild_id?: string;
  name?: string;
  parent_id?: string | null;
}

export interface MemberPayload extends Json {
  user: UserPayload;
  nick: string | null;
  roles: string[];
  joined_at: string;
}

export interface PresencePayload extends Json {
  user: { id: string };
  status: string;
}

/** A whole guild in the form of GUILD_CREATE. Who may see which part of it is decided when it is sent. */
export interface GuildPayload extends Json {
  id: string;
  name: string;
  owner_id: string;
  roles: RolePayload[];
  emojis: Json[];
  channels: ChannelPayload[];
  threads: ChannelPayload[];
  members: MemberPayload[];
  presences: PresencePayload[];
  voice_states: Json[];
  member_count: number;
}

export interface MessagePayload extends Json {
  id: string;
  channel_id: string;
  guild_id?: string;
  author: UserPayload;
  content: string;
  flags: number;
  webhook_id?: string;
}

export interface CommandPayload extends Json {
  id: string;
  application_id: string;
  guild_id?: string;
  version: string;
  type: number;
  name: string;
  options?: Json[];
}

export const CHANNEL_TEXT = 0;
export const CHANNEL_DM = 1;
export const CHANNEL_VOICE = 2;
export const CHANNEL_CATEGORY = 4;
export const CHANNEL_THREAD = 11;

export const MESSAGE_FLAG_SUPPRESS_EMBEDS = 1 << 2;
export const MESSAGE_FLAG_EPHEMERAL = 1 << 6;
export const MESSAGE_FLAG_LOADING = 1 << 7;
export const MESSAGE_FLAG_SUPPRESS_NOTIFICATIONS = 1 << 12;
export const MESSAGE_FLAG_COMPONENTS_V2 = 1 << 15;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

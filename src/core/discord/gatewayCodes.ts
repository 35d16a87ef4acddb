/** The opcodes that our code knows, of discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes. */
export const Opcode = {
  DISPATCH: 0,
  HEARTBEAT: 1,
  IDENTIFY: 2,
  PRESENCE_UPDATE: 3,
  VOICE_STATE_UPDATE: 4,
  RESUME: 6,
  RECONNECT: 7,
  REQUEST_GUILD_MEMBERS: 8,
  INVALID_SESSION: 9,
  HELLO: 10,
  HEARTBEAT_ACK: 11,
} as const;

/** The codes that our code knows, of discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes. */
export const CloseCode = {
  DECODE_ERROR: 4002,
  NOT_AUTHENTICATED: 4003,
  AUTHENTICATION_FAILED: 4004,
  SESSION_NO_LONGER_VALID: 4006,
  INVALID_SEQ: 4007,
  SESSION_TIMED_OUT: 4009,
  INVALID_SHARD: 4010,
  SHARDING_REQUIRED: 4011,
  INVALID_API_VERSION: 4012,
  INVALID_INTENTS: 4013,
  DISALLOWED_INTENTS: 4014,
} as const;

/** The version of the gateway's protocol that Kallisti speaks. */
export const GATEWAY_VERSION = 10;

/** Bits, and their names in the developer portal (discord.com/developers/docs/events/gateway#privileged-intents). */
export const PRIVILEGED_INTENTS: readonly (readonly [bit: number, name: string])[] = [
  [1 << 1, 'Server Members'],
  [1 << 8, 'Presence'],
  [1 << 15, 'Message Content'],
];

import type { ViolationKind } from '../account/accountEntries.js';
import { isJson, type Json } from '../world/payloads.js';
import { ALL_INTENTS, PRIVILEGED_INTENTS } from './intents.js';

/** Discord refuses a shard with more guilds: discord.com/developers/docs/events/gateway#sharding */
const MAX_GUILDS_PER_SHARD = 2500;

const STATUSES = new Set(['online', 'dnd', 'idle', 'invisible', 'offline']);

export interface Identify {
  shardId: number;
  shardCount: number;
  intents: number;
  compress: boolean;
  largeThreshold: number;
  /** Undefined where the client leaves it to Discord. */
  presence: Json | undefined;
}

interface Refusal {
  code: number;
  kind: ViolationKind;
  detail: string;
}

type ParsedIdentify = { ok: true; identify: Identify } | { ok: false; refusal: Refusal };

/** @returns id and count of an IDENTIFY's shard; undefined if they are not valid. Without `shard` it is the only one. */
export function parseShard(data: Json): [number, number] | undefined {
  const shard = data.shard;
  if (shard === undefined || shard === null) return [0, 1];
  if (!Array.isArray(shard) || shard.length !== 2) return undefined;
  const [id, count] = shard as [unknown, unknown];
  if (!Number.isInteger(id) || !Number.isInteger(count)) return undefined;
  const valid = Number(id) >= 0 && Number(count) >= 1 && Number(id) < Number(count);
  return valid ? [Number(id), Number(count)] : undefined;
}

/**
 * Checks the fields of an IDENTIFY: discord.com/developers/docs/events/gateway-events#identify. The {@link Handshake} checks
 * the token and the limits.
 */
export function parseIdentify(
  data: Json,
  allowedPrivilegedIntents: number,
  guildsOfShard: (shardId: number, shardCount: number) => number,
): ParsedIdentify {
  const properties = data.properties;
  if (!isJson(properties)) return refuse(4002, 'malformedPayload', 'IDENTIFY needs properties {os, browser, device}');
  const intents = data.intents;
  if (typeof intents !== 'number' || !Number.isInteger(intents) || intents < 0 || (intents & ~ALL_INTENTS) !== 0) {
    return refuse(4013, 'invalidIntents', `intents ${JSON.stringify(intents)} are not valid`);
  }
  const disallowed = intents & PRIVILEGED_INTENTS & ~allowedPrivilegedIntents;
  if (disallowed !== 0) return refuse(4014, 'disallowedIntents', `privileged intents ${disallowed} are not allowed`);
  const shard = parseShard(data);
  if (shard === undefined) {
    return refuse(4010, 'invalidShard', `shard ${JSON.stringify(data.shard)} is not a valid [id, count]`);
  }
  const guilds = guildsOfShard(shard[0], shard[1]);
  if (guilds > MAX_GUILDS_PER_SHARD) {
    const detail = `shard ${shard[0]}/${shard[1]} would have ${guilds} guilds, at most ${MAX_GUILDS_PER_SHARD} are allowed`;
    return refuse(4011, 'shardingRequired', detail);
  }
  const largeThreshold = data.large_threshold ?? 50;
  if (typeof largeThreshold !== 'number' || largeThreshold < 50 || largeThreshold > 250) {
    return refuse(4002, 'malformedPayload', 'large_threshold must be between 50 and 250');
  }
  const presence = data.presence;
  if (presence !== undefined && presence !== null && !isPresence(presence)) {
    return refuse(4002, 'malformedPayload', 'presence is not a valid presence update');
  }
  const [shardId, shardCount] = shard;
  const compress = data.compress === true;
  return {
    ok: true,
    identify: { shardId, shardCount, intents, compress, largeThreshold, presence: presence ?? undefined },
  };
}

function refuse(code: number, kind: ViolationKind, detail: string): ParsedIdentify {
  return { ok: false, refusal: { code, kind, detail } };
}

/** discord.com/developers/docs/events/gateway-events#update-presence; eris leaves `activities` null, which Discord takes. */
export function isPresence(value: unknown): value is Json {
  if (!isJson(value)) return false;
  const { activities, status, since, afk } = value;
  const activitiesOk = activities === null || activities === undefined || Array.isArray(activities);
  const sinceOk = since === null || since === undefined || since === false || Number.isInteger(since);
  return (
    activitiesOk &&
    sinceOk &&
    typeof status === 'string' &&
    STATUSES.has(status) &&
    (afk === undefined || typeof afk === 'boolean')
  );
}

/** @import { ClusterState, RestartCause } from '../core/contracts/AdminApi.js' */
/** @import { ShardState } from '../core/contracts/ClusterContract.js' */

/** The colours. @typedef {'ok' | 'busy' | 'warn' | 'bad' | 'none'} Tone */

/** Each state has a sign besides its colour. @type {Readonly<Record<ClusterState, { sign: string; tone: Tone }>>} */
export const CLUSTER_STATES = {
  starting: { sign: '◔', tone: 'busy' },
  waiting: { sign: '…', tone: 'busy' },
  ready: { sign: '✓', tone: 'ok' },
  draining: { sign: '↓', tone: 'busy' },
  crashed: { sign: '✕', tone: 'bad' },
  failed: { sign: '✕', tone: 'bad' },
};

/** How a cell of the shard grid looks: `ready` is split by latency. @typedef {Exclude<ShardState, 'ready'> | Speed} ShardLook */
/** @typedef {'fast' | 'slower' | 'slow'} Speed */

const SLOWER_MS = 150;
const SLOW_MS = 400;

/** @type {readonly { look: ShardLook; sign: string; tone: Tone; text: string }[]} */
export const SHARD_LOOKS = [
  { look: 'fast', sign: '', tone: 'ok', text: `ready, under ${SLOWER_MS} ms` },
  { look: 'slower', sign: '', tone: 'warn', text: `under ${SLOW_MS} ms` },
  { look: 'slow', sign: '', tone: 'bad', text: 'slower' },
  { look: 'waiting', sign: '…', tone: 'none', text: 'waiting' },
  { look: 'connecting', sign: '›', tone: 'busy', text: 'connecting' },
  { look: 'resuming', sign: '↻', tone: 'busy', text: 'resuming' },
  { look: 'disconnected', sign: '✕', tone: 'bad', text: 'disconnected' },
  { look: 'failed', sign: '‼', tone: 'bad', text: 'refused (too many guilds)' },
  { look: 'released', sign: '⇄', tone: 'busy', text: 'handed over' },
  { look: 'idle', sign: '–', tone: 'none', text: 'idle' },
];

/**
 * @param {ShardState} state
 * @param {number | null} latencyMs
 * @returns {ShardLook}
 */
export function lookOf(state, latencyMs) {
  if (state !== 'ready') return state;
  if (latencyMs === null || latencyMs < SLOWER_MS) return 'fast';
  return latencyMs < SLOW_MS ? 'slower' : 'slow';
}

/** @type {Readonly<Record<RestartCause, string>>} */
export const CAUSES = {
  crash: 'crash',
  failedStart: 'failed start',
  hung: 'hung',
  deaf: 'deaf shard',
  memory: 'memory',
  operator: 'on request',
};

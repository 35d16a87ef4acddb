import { Bucket, Constants } from 'eris';
import type { ErisShard } from '../clients/eris/erisInternals.js';

const { HEARTBEAT, IDENTIFY, PRESENCE_UPDATE, RESUME } = Constants.GatewayOPCodes;
/** Without these Discord does not know yet who is talking, and closes with 4003 on anything else. */
const HANDSHAKE: ReadonlySet<number> = new Set([HEARTBEAT, IDENTIFY, RESUME]);

/**
 * What one shard sends. eris keeps the send queue of a lost connection and writes it to the next one before RESUME
 * (lib/util/Bucket.js), and also sends between open and READY. Here each connection begins with an empty queue and its own
 * rate limit, and before READY or RESUMED only the handshake is sent. What is dropped is what eris drops without a socket;
 * a presence is remembered and sent after RESUMED.
 */
export class Outbox {
  readonly #shard: ErisShard;
  #presencePending = false;

  public constructor(shard: ErisShard) {
    this.#shard = shard;
    const sendWS = shard.sendWS.bind(shard);
    shard.sendWS = (op, data, priority) => {
      if (HANDSHAKE.has(op) || shard.status === 'ready') {
        // IDENTIFY holds the presence as it is now.
        if (op === IDENTIFY) this.#presencePending = false;
        sendWS(op, data, priority);
      } else if (op === PRESENCE_UPDATE) {
        this.#presencePending = true;
      }
    };
  }

  /** After READY or RESUMED. */
  public open(): void {
    if (!this.#presencePending) return;
    this.#presencePending = false;
    this.#shard.sendStatusUpdate();
  }

  /** The connection is given up. */
  public reset(): void {
    const shard = this.#shard;
    if (shard.presenceUpdateBucket._queue.length > 0) this.#presencePending = true;
    // What waits in them goes with them.
    for (const bucket of [shard.globalBucket, shard.presenceUpdateBucket]) clearTimeout(bucket.timeout ?? undefined);
    // The numbers of lib/gateway/Shard.js hardReset(): 5 of 120 are kept for heartbeats.
    shard.globalBucket = newBucket(120, 60_000, 5);
    shard.presenceUpdateBucket = newBucket(5, 20_000, 0);
  }
}

function newBucket(tokens: number, intervalMs: number, reservedTokens: number): ErisShard['globalBucket'] {
  const bucket: unknown = new Bucket(tokens, intervalMs, { latencyRef: { latency: 0 }, reservedTokens });
  return bucket as ErisShard['globalBucket'];
}

import type { ShardArrival } from '../../core/contracts/ClusterContract.js';
import type { GatewayPacket } from '../../core/discord/packets.js';

/** Notes how each shard of a cluster comes up: by IDENTIFY or RESUME, after how many replayed events, and after how long a pause. */
export class ArrivalLog {
  readonly #replayed = new Map<number, number>();
  readonly #arrivals = new Map<number, ShardArrival>();
  readonly #firstAt = new Map<number, number>();
  /** When the predecessor let go, in milliseconds since 1970; undefined without one. */
  public releasedAt: number | undefined;

  /** To be called with every dispatch of a shard, after it was handled. */
  public note(shardId: number, packet: GatewayPacket): void {
    if (this.#arrivals.has(shardId)) return;
    if (!this.#firstAt.has(shardId)) this.#firstAt.set(shardId, Date.now());
    if (packet.t === 'READY' || packet.t === 'RESUMED') {
      const by = packet.t === 'READY' ? 'identified' : 'resumed';
      const replayed = this.#replayed.get(shardId) ?? 0;
      this.#arrivals.set(shardId, { shardId, by, replayed, pauseMs: this.#pauseMs(shardId) });
    } else {
      this.#replayed.set(shardId, (this.#replayed.get(shardId) ?? 0) + 1);
    }
  }

  /** By shard id. */
  public get arrivals(): readonly ShardArrival[] {
    return [...this.#arrivals.values()].sort((left, right) => left.shardId - right.shardId);
  }

  #pauseMs(shardId: number): number | null {
    const firstAt = this.#firstAt.get(shardId);
    if (this.releasedAt === undefined || firstAt === undefined) return null;
    return Math.max(0, firstAt - this.releasedAt);
  }
}

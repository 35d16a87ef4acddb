import { AbortError } from '../../core/errors.js';

export interface IdentifyRequest {
  readonly shardId: number;
  /** Names one life of one process, for example `cluster 3 generation 2`. */
  readonly holder: string;
  /** Leaves the line. A slot that was granted by then stays with the caller, who gives it back. */
  readonly signal?: AbortSignal;
}

/** A request that waits for its slot. */
export interface WaitingRequest<Slot> extends IdentifyRequest {
  grant(slot: Slot): void;
  /** Rejects it with an AbortError. */
  drop(reason: unknown): void;
}

/**
 * The requests that wait for a slot, in the order in which they get one.
 *
 * The shard comes first that was granted longest ago, or never. Among equals the lower shard id comes first. So a cold start runs
 * 0, 1, 2 ..., and a shard that crashes again and again goes behind every other that waits. By shard id alone, shard 0 could
 * starve all others of its key.
 */
export class IdentifyLine<Slot> {
  readonly #onAborted: () => void;
  readonly #waiting = new Set<WaitingRequest<Slot>>();
  /** Per shard, how many grants there had been before its last one. */
  readonly #grantedAs = new Map<number, number>();
  #grants = 0;

  /** @param onAborted called when a request has left by its signal. */
  public constructor(onAborted: () => void) {
    this.#onAborted = onAborted;
  }

  public get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** @throws AbortError when the request's signal fires, or it is dropped. */
  public join(request: IdentifyRequest): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const { signal, shardId } = request;
      const leave = (): void => {
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(waiting);
      };
      const waiting: WaitingRequest<Slot> = {
        ...request,
        grant: (slot) => {
          leave();
          this.#grantedAs.set(shardId, this.#grants++);
          resolve(slot);
        },
        drop: (reason) => {
          leave();
          reject(new AbortError(`identify slot for shard ${shardId}`, reason));
        },
      };
      const abort = (): void => {
        waiting.drop(signal?.reason);
        this.#onAborted();
      };
      if (signal?.aborted) return waiting.drop(signal.reason);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiting);
    });
  }

  /** Those that wait, first come first where nothing else decides: a set keeps its order, and the sort is stable. */
  public inOrder(): WaitingRequest<Slot>[] {
    const rank = ({ shardId }: IdentifyRequest): number => this.#grantedAs.get(shardId) ?? -1;
    return [...this.#waiting].sort((a, b) => rank(a) - rank(b) || a.shardId - b.shardId);
  }

  /** Drops all requests, or those of one holder. */
  public drop(reason: unknown, holder?: string): void {
    for (const waiting of this.#waiting) if (holder === undefined || waiting.holder === holder) waiting.drop(reason);
  }
}

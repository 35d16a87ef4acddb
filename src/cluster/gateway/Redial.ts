import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayOptions, GatewayTimings, Slot } from './GatewayOptions.js';

export interface RedialHost {
  readonly options: Pick<GatewayOptions, 'acquireSlot'>;
  readonly timings: GatewayTimings;
  readonly log: { callbackError(name: string, shardId: number, error: unknown): void };
}

/**
 * Decides when the next socket of one shard may be opened: after a pause that grows with every failure, and for an IDENTIFY
 * with a slot. The slot is asked for before the socket is opened, so that no socket waits for one; a RESUME needs
 * none. One wait at a time; a slot that comes after the wait was cancelled goes back at once.
 */
export class Redial {
  #waiting: AbortController | null = null;
  #attempts = 0;
  /** Connections in a row that were lost soon after they were ready: such a loop needs pauses too. */
  #shortLives = 0;
  #readySince: number | null = null;

  public constructor(
    private readonly shardId: number,
    private readonly host: RedialHost,
    /** Must not throw. */
    private readonly dial: (slot: Slot | null) => void,
  ) {}

  public get waiting(): boolean {
    return this.#waiting !== null;
  }

  /** Sockets opened since the shard was last ready. */
  public get attempts(): number {
    return this.#attempts;
  }

  /** Forgets earlier failures: somebody asks for the connection anew. */
  public reset(): void {
    this.#attempts = 0;
    this.#shortLives = 0;
  }

  public connected(): void {
    this.#attempts = 0;
    this.#readySince = performance.now();
  }

  public disconnected(): void {
    if (this.#readySince === null) return;
    const short = performance.now() - this.#readySince < this.host.timings.stableAfterMs;
    this.#shortLives = short ? this.#shortLives + 1 : 0;
    this.#readySince = null;
  }

  /** Dials in this very turn where there is nothing to wait for. */
  public schedule(needsSlot: boolean, minPauseMs = 0): void {
    this.cancel();
    const waiting = new AbortController();
    this.#waiting = waiting;
    // A single loss is not a failure yet: only a second short life in a row is.
    const pauseMs = Math.max(minPauseMs, this.#delay(Math.max(this.#attempts, this.#shortLives - 1)));
    void this.#run(needsSlot, pauseMs, waiting.signal);
  }

  public cancel(): void {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  async #run(needsSlot: boolean, pauseMs: number, signal: AbortSignal): Promise<void> {
    let slot: Slot | null;
    try {
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
      slot = needsSlot ? await this.#acquireSlot(signal) : null;
    } catch {
      // Only a cancelled wait throws, and its canceller knows what comes next.
      return;
    }
    if (signal.aborted) {
      // Cancelled after the grant, before we went on.
      slot?.release(false);
      return;
    }
    this.#waiting = null;
    this.#attempts++;
    this.dial(slot);
  }

  async #acquireSlot(signal: AbortSignal): Promise<Slot> {
    const { options, log } = this.host;
    for (let refusals = 1; ; refusals++) {
      try {
        const slot = await options.acquireSlot(this.shardId, signal);
        if (!signal.aborted) return slot;
        slot.release(false);
      } catch (error) {
        if (!signal.aborted)
          log.callbackError(`Asking for the identify slot of shard ${this.shardId}`, this.shardId, error);
      }
      signal.throwIfAborted();
      await sleep(this.#delay(refusals), undefined, { signal });
    }
  }

  #delay(failures: number): number {
    const { reconnectBaseMs, reconnectMaxMs } = this.host.timings;
    return reconnectDelay(failures, reconnectBaseMs, reconnectMaxMs);
  }
}

/**
 * How long to wait before the next attempt: nothing after 0 failures, then `baseMs` doubled per failure up to `maxMs`, each
 * spread by a quarter up and down, so that the shards of a fleet do not come back in step.
 */
export function reconnectDelay(failures: number, baseMs: number, maxMs: number, random = Math.random): number {
  if (failures <= 0) return 0;
  return Math.min(baseMs * 2 ** (failures - 1), maxMs) * (0.75 + random() / 2);
}

import { getHeapStatistics } from 'node:v8';
import type { Channel } from '../ipc/Channel.js';
import { ALIVE, ALIVE_INTERVAL_MS, type Vitals } from './controlMessages.js';

/** Tells the master again and again that this process's event loop turns, and how the process is doing. */
export class SignsOfLife {
  #timer: NodeJS.Timeout | undefined;

  /**
   * Sends one at once, and then one every half second. The timer keeps no process alive.
   *
   * @param onError Gets what kept one from being sent.
   */
  public start(channel: Channel, onError: (error: unknown) => void): void {
    this.stop();
    let expectedAt = performance.now();
    const beat = (): void => {
      const now = performance.now();
      send(channel, Math.max(0, Math.round(now - expectedAt)), onError);
      expectedAt = now + ALIVE_INTERVAL_MS;
    };
    beat();
    this.#timer = setInterval(beat, ALIVE_INTERVAL_MS).unref();
  }

  public stop(): void {
    clearInterval(this.#timer);
  }
}

function send(channel: Channel, lagMs: number, onError: (error: unknown) => void): void {
  if (channel.closed) return;
  const { rss, heapUsed } = process.memoryUsage();
  const heapLimitBytes = getHeapStatistics().heap_size_limit;
  const vitals: Vitals = { lagMs, rssBytes: rss, heapUsedBytes: heapUsed, heapLimitBytes };
  try {
    channel.send(ALIVE, vitals);
  } catch (error) {
    // The master reads too slowly for even this. The next beat tries again.
    onError(error);
  }
}

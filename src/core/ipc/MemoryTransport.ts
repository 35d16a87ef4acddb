import {
  TRANSPORT_LIMITS,
  type Transport,
  type TransportLimits,
  type TransportListener,
  URGENT_RESERVE_BYTES,
} from './Transport.js';

/**
 * One end of a pair of transports inside one process, for tests and for programs that run everything in one process. It delivers
 * in a later turn of the event loop, as a socket does, so that no code comes to rely on an answer in the same turn.
 */
export class MemoryTransport implements Transport {
  readonly #limits: TransportLimits;
  #peer: MemoryTransport | undefined;
  #listener: TransportListener | undefined;
  #outbox: string[] = [];
  #outboxBytes = 0;
  #inbox: string[] = [];
  #inboxBytes = 0;
  #delivering = false;
  #closed = false;
  #flushed: (() => void)[] = [];

  private constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  /** @returns both ends of a new pair. */
  public static pair(limits: TransportLimits = TRANSPORT_LIMITS): [MemoryTransport, MemoryTransport] {
    const left = new MemoryTransport(limits);
    const right = new MemoryTransport(limits);
    left.#peer = right;
    right.#peer = left;
    return [left, right];
  }

  /** What the other end has not begun to read counts too, as it does in a socket's buffer. */
  public get queuedBytes(): number {
    return this.#outboxBytes + (this.#peer === undefined ? 0 : this.#peer.#inboxBytes);
  }

  public listen(listener: TransportListener): void {
    this.#listener = listener;
    if (this.#delivering) return;
    setImmediate(() => {
      this.#delivering = true;
      this.#drain();
    });
  }

  public send(text: string, urgent = false): boolean {
    if (this.#closed) return false;
    const room = this.#limits.maxQueueBytes + (urgent ? URGENT_RESERVE_BYTES : 0);
    if (this.queuedBytes + text.length > room) return false;
    if (this.#outbox.length === 0) setImmediate(() => this.#deliver());
    this.#outbox.push(text);
    this.#outboxBytes += text.length;
    return true;
  }

  public flush(): Promise<void> {
    if (this.#outbox.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushed.push(resolve));
  }

  public async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush();
    this.destroy();
  }

  public destroy(error?: Error): void {
    if (this.#closed) return;
    this.#end(error);
    const peer = this.#peer;
    // The other end reads what was delivered before this turn first, and sees the end then.
    if (peer !== undefined) setImmediate(() => peer.#end());
  }

  #deliver(): void {
    const texts = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    if (this.#peer !== undefined) this.#peer.#receive(texts);
    const flushed = this.#flushed;
    this.#flushed = [];
    for (const resolve of flushed) resolve();
  }

  #receive(texts: readonly string[]): void {
    if (this.#closed) return;
    for (const text of texts) {
      this.#inbox.push(text);
      this.#inboxBytes += text.length;
    }
    if (this.#delivering) this.#drain();
  }

  #drain(): void {
    // By index: `shift` moves the rest each time, which is slow in a flood.
    for (let next = 0; next < this.#inbox.length; next++) {
      const text = this.#inbox[next] ?? '';
      this.#inboxBytes -= text.length;
      this.#listener?.message(text);
    }
    this.#inbox = [];
  }

  #end(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox = [];
    this.#inbox = [];
    this.#inboxBytes = 0;
    const flushed = this.#flushed;
    this.#flushed = [];
    for (const resolve of flushed) resolve();
    this.#listener?.closed(error);
  }
}

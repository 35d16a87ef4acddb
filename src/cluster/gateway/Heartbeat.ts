/** What a heartbeat may do with its socket. */
export interface HeartbeatHost {
  sendHeartbeat(): void;
  /** The previous heartbeat was not confirmed when the next was due. */
  heartbeatMissed(): void;
}

/**
 * The heartbeats of one connection (discord.com/developers/docs/events/gateway#sending-heartbeats). The first comes after
 * `interval * jitter`, so that many shards do not beat in step. None is sent before READY or RESUMED, which Discord would
 * answer with op 9 (discord-api-docs#1619); one that falls due earlier is sent right after.
 */
export class Heartbeat {
  readonly #host: HeartbeatHost;
  #timer: NodeJS.Timeout | undefined;
  #sentAt: number | null = null;
  #isConfirmed = true;
  #isAllowed = false;
  #isDue = false;
  #latencyMs: number | null = null;

  public constructor(host: HeartbeatHost) {
    this.#host = host;
  }

  /** From the last heartbeat to its ACK. */
  public get latencyMs(): number | null {
    return this.#latencyMs;
  }

  /** HELLO has come. */
  public start(intervalMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => this.#beat(), intervalMs);
      this.#beat();
    }, intervalMs * Math.random());
  }

  /** READY or RESUMED has come: from now on heartbeats may be sent. */
  public allow(): void {
    this.#isAllowed = true;
    if (this.#isDue) this.#beat();
  }

  /** Sends one out of turn: Discord asks for it (op 1), or its latency is wanted. */
  public sendNow(): void {
    if (!this.#isAllowed) return;
    this.#sentAt = performance.now();
    this.#host.sendHeartbeat();
  }

  /** @returns how long it took, in milliseconds; null where no heartbeat was sent. */
  public confirm(): number | null {
    this.#isConfirmed = true;
    if (this.#sentAt !== null) this.#latencyMs = Math.round(performance.now() - this.#sentAt);
    return this.#latencyMs;
  }

  public stop(): void {
    clearTimeout(this.#timer);
  }

  #beat(): void {
    this.#isDue = !this.#isAllowed;
    if (this.#isDue) return;
    if (!this.#isConfirmed) {
      this.#host.heartbeatMissed();
      return;
    }
    this.#isConfirmed = false;
    this.sendNow();
  }
}

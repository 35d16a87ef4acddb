import type { SlotLease } from './GatewayOptions.js';

/**
 * The lease of one identify slot in a shard's hands, from the grant until it goes back; at most one at a time.
 * It goes back exactly once, and says whether an IDENTIFY was sent with it.
 *
 * When: the holder of the queue counts Discord's 5 s window from the release on, so it must not come before Discord has
 * received the IDENTIFY: a later one that took a faster way could overtake it. READY, op 9 and a close prove that it was
 * received; where none of them comes, enough time to arrive is allowed after the write.
 */
export class IdentifyPermit {
  #lease: SlotLease | null = null;
  #timer: NodeJS.Timeout | null = null;
  #used = false;

  public constructor(private readonly seenAfterMs: number) {}

  /** Whether an IDENTIFY may be sent now. */
  public get granted(): boolean {
    return this.#lease !== null && !this.#used;
  }

  public hold(lease: SlotLease): void {
    this.settle();
    this.#lease = lease;
  }

  /** The IDENTIFY was written to the socket. */
  public spend(): void {
    if (!this.granted) return;
    this.#used = true;
    this.#timer = setTimeout(() => this.settle(), this.seenAfterMs);
  }

  /** Discord has answered the IDENTIFY, or none will be sent: gives the slot back. */
  public settle(): void {
    const lease = this.#lease;
    const used = this.#used;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#lease = null;
    this.#used = false;
    lease?.release(used);
  }
}

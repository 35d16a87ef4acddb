import type { Slot } from './GatewayOptions.js';

/**
 * The slot in a shard's hands, from the grant until it goes back; at most one at a time.
 * It goes back exactly once, and says whether an IDENTIFY was sent with it.
 *
 * When: the queue counts Discord's 5 s window from the return on, so it must not come before Discord has received the
 * IDENTIFY: a later one that took a faster way could overtake it. READY, op 9 and a close prove that it was
 * received; where none of them comes, enough time to arrive is allowed after the write.
 */
export class IdentifySlot {
  #slot: Slot | null = null;
  #timer: NodeJS.Timeout | null = null;
  #used = false;

  public constructor(private readonly seenAfterMs: number) {}

  /** Whether an IDENTIFY may be sent now. */
  public get isFree(): boolean {
    return this.#slot !== null && !this.#used;
  }

  public hold(slot: Slot): void {
    this.giveBack();
    this.#slot = slot;
  }

  /** The IDENTIFY was written to the socket. */
  public use(): void {
    if (!this.isFree) return;
    this.#used = true;
    this.#timer = setTimeout(() => this.giveBack(), this.seenAfterMs);
  }

  /** Discord has answered the IDENTIFY, or none will be sent. */
  public giveBack(): void {
    const slot = this.#slot;
    const used = this.#used;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#slot = null;
    this.#used = false;
    slot?.release(used);
  }
}

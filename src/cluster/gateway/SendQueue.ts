import { Opcode } from '../../core/discord/gatewayCodes.js';
import { RateWindow } from './RateWindow.js';

/** discord.com/developers/docs/events/gateway#rate-limiting */
const SENDS = { limit: 120, intervalMs: 60_000 } as const;
/** So many of them are kept for what must not wait: heartbeats, IDENTIFY, RESUME. */
const RESERVED = 5;
/** discord.com/developers/docs/events/gateway-events#update-presence */
const PRESENCES = { limit: 5, intervalMs: 20_000 } as const;

/**
 * What waits to be sent on one connection, within Discord's limits. Of presences only the last matters, so only that waits.
 * What still waits when the connection ends goes with it.
 */
export class SendQueue {
  readonly #sends = new RateWindow(SENDS.limit, SENDS.intervalMs);
  readonly #presences = new RateWindow(PRESENCES.limit, PRESENCES.intervalMs);
  readonly #waiting: string[] = [];
  #presence: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  public constructor(private readonly write: (text: string) => void) {}

  /** Whether the last presence is still to be sent. */
  public get holdsPresence(): boolean {
    return this.#presence !== undefined;
  }

  /** For what must not wait. */
  public sendNow(text: string): void {
    this.#sends.note(performance.now());
    this.write(text);
  }

  public push(op: number, text: string): void {
    if (op === Opcode.PRESENCE_UPDATE) this.#presence = text;
    else this.#waiting.push(text);
    this.#flush();
  }

  public close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    for (;;) {
      const presenceDelayMs = this.#presence === undefined ? Number.POSITIVE_INFINITY : this.#presences.delayMs(now, 0);
      const nextDelayMs = this.#waiting.length === 0 ? presenceDelayMs : 0;
      const delayMs = Math.max(this.#sends.delayMs(now, RESERVED), nextDelayMs);
      if (delayMs === Number.POSITIVE_INFINITY) return;
      if (delayMs > 0) {
        this.#timer = setTimeout(() => this.#flush(), delayMs);
        return;
      }
      // A presence that may be sent goes first: it is one, and what waits may be many.
      this.sendNow(presenceDelayMs === 0 ? this.#takePresence(now) : (this.#waiting.shift() ?? ''));
    }
  }

  #takePresence(now: number): string {
    const text = this.#presence ?? '';
    this.#presence = undefined;
    this.#presences.note(now);
    return text;
  }
}

import type { GatewayTimings } from './GatewayOptions.js';

/** What a shard ought to hear: Discord's answer while it connects, the ACK of a heartbeat, the events of its guilds. */
export type Missing = 'answer' | 'ack' | 'dispatch';

/** A silence is suspicious when it is this many times the longest pause that this shard has known lately. */
const UNUSUAL = 4;
/** What the longest pause is taken to be before any is known, in `deafAfterMs`: a new process suspects nobody soon. */
const FIRST_GUESS = 5;
/** After so many `deafAfterMs` of traffic a pause counts half: a bot that was quiet at night is watched closely by day. */
const HALF_LIFE = 10;
/** Fewer replayed events than this may have come just while the shard reconnected: they prove no deafness. */
const PROOF = 3;

/**
 * Notices that a shard does not hear, and whether it hears again after it was reconnected. Decides nothing else.
 *
 * For the events of its guilds there is no rule of Discord's, so what is usual is learnt from the shard itself. A suspicion
 * that was wrong (the RESUME brought nothing) makes its silence the usual one, so that a bot with nothing to do reconnects
 * rarely, and more and more so. Only time in which this process ran counts: what came while it was stopped is not read yet.
 */
export class SilenceDetector {
  /** Reconnects in a row that have not brought back what was missing. */
  #inVain = 0;
  #missing: Missing | undefined;
  #longestPauseMs: number;
  #silentMs = 0;
  #heardSinceLook = false;
  #lookedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The silence for which the shard is being reconnected. */
  #suspectedMs: number | undefined;
  #replayed = 0;

  public constructor(
    private readonly timings: Pick<GatewayTimings, 'deafAfterMs'>,
    /** The shard has heard no event for an unusually long time. Must not throw. */
    private readonly onSilence: (silentMs: number) => void,
  ) {
    this.#longestPauseMs = timings.deafAfterMs * FIRST_GUESS;
  }

  /** How long it may hear no event, in milliseconds. */
  public get allowanceMs(): number {
    return UNUSUAL * Math.max(this.timings.deafAfterMs, this.#longestPauseMs);
  }

  /** It has missed something, and is being reconnected. @returns how often in a row by now. */
  public missed(what: Missing): number {
    this.#missing = what;
    if (what === 'dispatch') this.#suspectedMs = this.#silentMs;
    return ++this.#inVain;
  }

  public ack(): void {
    this.#cure('ack');
  }

  /** An event of its guilds, live or replayed. */
  public dispatch(): void {
    if (this.#timer === undefined) {
      this.#replayed++;
      return;
    }
    this.#cure('dispatch');
    this.#heardSinceLook = true;
    if (this.#silentMs > this.#longestPauseMs) this.#longestPauseMs = this.#silentMs;
    this.#silentMs = 0;
  }

  /** READY or RESUMED. */
  public connected(): void {
    this.#cure('answer');
    if (this.#suspectedMs !== undefined && this.#replayed < PROOF) {
      this.#longestPauseMs = Math.max(this.#longestPauseMs, this.#suspectedMs);
      this.#cure('dispatch');
    }
    this.#suspectedMs = undefined;
    this.#silentMs = 0;
    this.#heardSinceLook = false;
    this.#lookedAt = performance.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), this.#periodMs);
  }

  public disconnected(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#replayed = 0;
  }

  get #periodMs(): number {
    return this.timings.deafAfterMs / 2;
  }

  #cure(what: Missing): void {
    if (this.#missing !== what) return;
    this.#missing = undefined;
    this.#inVain = 0;
  }

  #look(): void {
    const now = performance.now();
    const elapsedMs = now - this.#lookedAt;
    this.#lookedAt = now;
    if (this.#heardSinceLook) this.#longestPauseMs *= 0.5 ** (elapsedMs / (this.timings.deafAfterMs * HALF_LIFE));
    this.#heardSinceLook = false;
    this.#silentMs += Math.min(elapsedMs, 2 * this.#periodMs);
    if (this.#silentMs > this.allowanceMs) this.onSilence(this.#silentMs);
  }
}

import { isIPv6 } from 'node:net';
import type { Clock } from '../../core/time/clock.js';

interface Allowance {
  left: number;
  at: number;
}

export interface AttemptLimits {
  /** So many at once, and then one more each `refillMs`. */
  readonly burst: number;
  readonly refillMs: number;
}

const PER_ADDRESS: AttemptLimits = { burst: 10, refillMs: 6_000 };
const IN_ALL: AttemptLimits = { burst: 50, refillMs: 1_000 };
/** One more, and the address that guessed longest ago is forgotten. The limit over all addresses still holds. */
const MAX_ADDRESSES = 1_000;

/** Counts attempts with a wrong token, for each address and over all. */
export class AttemptLimiter {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #addresses = new Map<string, Allowance>();
  readonly #all: Allowance;

  public constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#all = { left: IN_ALL.burst, at: clock.now() };
  }

  /** @returns milliseconds until the limit of this address allows another attempt; 0: it does now. */
  public waitOf(address: string): number {
    const own = this.#addresses.get(networkOf(address));
    return own === undefined ? 0 : refill(own, PER_ADDRESS, this.#clock.now());
  }

  /** Counts a wrong attempt. @returns milliseconds until the next one will be answered, or 0 if this one may be. */
  public note(address: string): number {
    const now = this.#clock.now();
    const key = networkOf(address);
    const own = this.#addresses.get(key) ?? { left: PER_ADDRESS.burst, at: now };
    this.#addresses.delete(key);
    this.#addresses.set(key, own);
    const [oldest] = this.#addresses.keys();
    if (oldest !== undefined && this.#addresses.size > MAX_ADDRESSES) this.#addresses.delete(oldest);
    const waits = [refill(own, PER_ADDRESS, now), refill(this.#all, IN_ALL, now)];
    const waitMs = Math.max(...waits);
    if (waitMs > 0) return waitMs;
    own.left -= 1;
    this.#all.left -= 1;
    return 0;
  }
}

function refill(allowance: Allowance, { burst, refillMs }: AttemptLimits, now: number): number {
  allowance.left = Math.min(burst, allowance.left + (now - allowance.at) / refillMs);
  allowance.at = now;
  return allowance.left >= 1 ? 0 : Math.ceil((1 - allowance.left) * refillMs);
}

/** Whoever has one IPv6 address has 2^64 of them. */
function networkOf(address: string): string {
  const v4 = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIPv6(v4) ? v4.split(':').slice(0, 4).join(':') : v4;
}

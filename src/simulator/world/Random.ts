/** Deterministic random numbers (mulberry32). The same seed gives the same guilds and traffic on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mix(this.#state) / 4_294_967_296;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** One of the items. Undefined if there are none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}

function mix(value: number): number {
  let t = Math.imul(value ^ (value >>> 15), value | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** A number in [0, bound) that depends on the parts alone. It gives random access into a seeded world, without state. */
export function hash(bound: number, a: number, b = 0, c = 0, d = 0): number {
  let state = 0x9e3779b9;
  state = mix((state ^ a) + 0x6d2b79f5);
  state = mix((state ^ b) + 0x6d2b79f5);
  state = mix((state ^ c) + 0x6d2b79f5);
  state = mix((state ^ d) + 0x6d2b79f5);
  return state % Math.max(1, bound);
}

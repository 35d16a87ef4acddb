/** What an {@link IdTable} holds. Only the table touches `next`. */
export interface Entry<Self> {
  readonly id: number;
  next?: Self | undefined;
}

/** A power of two, so that the lower bits of an id name its bucket. Ids are given out one by one, so all buckets fill alike. */
const BUCKETS = 1024;

/**
 * Entries by their id, for many that come and go.
 *
 * Not a `Map`: V8 makes a new table for one after every few hundred entries. The old table points to the new one and keeps what
 * it held (ordered-hash-table.cc, `Rehash`, `SetNextTable`). Once a table is in the old space, all that follow it are kept until a
 * full collection. With a hundred requests in flight that was a fifth of a master's time.
 */
export class IdTable<E extends Entry<E>> {
  readonly #buckets: (E | undefined)[] = Array.from({ length: BUCKETS }, () => undefined);
  #size = 0;

  public get size(): number {
    return this.#size;
  }

  /** Adds an entry. It hides an earlier one with the same id until it is taken. */
  public add(entry: E): void {
    const bucket = entry.id & (BUCKETS - 1);
    entry.next = this.#buckets[bucket];
    this.#buckets[bucket] = entry;
    this.#size++;
  }

  /** Removes the entry with this id. @returns it, or undefined where there is none. */
  public take(id: number): E | undefined {
    const bucket = id & (BUCKETS - 1);
    let previous: E | undefined;
    let entry = this.#buckets[bucket];
    while (entry !== undefined && entry.id !== id) {
      previous = entry;
      entry = entry.next;
    }
    if (entry === undefined) return undefined;
    if (previous === undefined) this.#buckets[bucket] = entry.next;
    else previous.next = entry.next;
    entry.next = undefined;
    this.#size--;
    return entry;
  }

  /** @returns all entries, by rising id. */
  public entries(): E[] {
    const all: E[] = [];
    for (let entry of this.#buckets) {
      for (; entry !== undefined; entry = entry.next) all.push(entry);
    }
    return all.sort((left, right) => left.id - right.id);
  }
}

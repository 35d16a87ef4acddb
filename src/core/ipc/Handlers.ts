import type { ReplyFunction } from './contract.js';

/** A handler without its types. `Handlers` calls it with its prefix arguments, then data, id and reply. */
export type UntypedHandler = (...args: never[]) => unknown;

/** What one call of a handler came to: a value, or nothing yet, because it will call `reply`. */
export type Outcome = { readonly value: unknown } | undefined;

interface Entry {
  readonly handler: UntypedHandler;
  readonly once: boolean;
}

/**
 * The handlers of one side, by message name. They outlive a connection, and may be added before there is one.
 *
 * A handler that leaves its last parameter `reply` out answers with what it returns. One that takes `reply` answers with that, or
 * with what it returns, unless that is `undefined`.
 */
export class Handlers {
  readonly #prefix: readonly unknown[];
  readonly #entries = new Map<string, Entry[]>();

  public constructor(...prefix: readonly unknown[]) {
    this.#prefix = prefix;
  }

  public add(name: string, handler: UntypedHandler, once: boolean): void {
    const entries = this.#entries.get(name);
    if (entries === undefined) this.#entries.set(name, [{ handler, once }]);
    else entries.push({ handler, once });
  }

  /** Removes a handler, the last one where it was added several times; does nothing where it was not added. */
  public remove(name: string, handler: UntypedHandler): void {
    const entries = this.#entries.get(name);
    const index = entries?.findLastIndex((entry) => entry.handler === handler) ?? -1;
    if (entries === undefined || index < 0) return;
    if (entries.length === 1) this.#entries.delete(name);
    else
      this.#entries.set(
        name,
        entries.filter((_, at) => at !== index),
      );
  }

  public has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * Calls every handler of a name, in the order in which they were added, also after one that throws.
   *
   * @param reply Makes the function that answers. Called only for a handler that takes it: most do not.
   * @param settled Called once per handler, with what it returned or threw.
   * @returns how many handlers were called.
   */
  public call(
    name: string,
    data: unknown,
    id: string,
    reply: () => ReplyFunction<unknown>,
    settled: (outcome: Outcome, thrown?: { error: unknown }) => void,
  ): number {
    let called = 0;
    for (const entry of this.#entries.get(name) ?? []) {
      called++;
      if (entry.once) this.remove(name, entry.handler);
      const handler = entry.handler as (...args: unknown[]) => unknown;
      const takesReply = handler.length > this.#prefix.length + 2;
      let value: unknown;
      try {
        value = takesReply ? handler(...this.#prefix, data, id, reply()) : handler(...this.#prefix, data, id);
      } catch (error) {
        settled(undefined, { error });
        continue;
      }
      if (isPromiseLike(value)) {
        value.then(
          (awaited) => settled(takesReply && awaited === undefined ? undefined : { value: awaited }),
          (error: unknown) => settled(undefined, { error }),
        );
      } else {
        settled(takesReply && value === undefined ? undefined : { value });
      }
    }
    return called;
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

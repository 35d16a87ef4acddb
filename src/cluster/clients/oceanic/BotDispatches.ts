import type { HandlerEmitter } from '../HandlerIsolation.js';
import type { DispatchFunction, OceanicDispatcher, OceanicShard } from './oceanicInternals.js';

/** Tells what a function of oceanic.js's own threw over a dispatch. */
export type DispatchFailure = (error: unknown, shard: OceanicShard) => void;

/**
 * Runs the functions that oceanic.js's dispatcher has for each dispatch. Its own are async, though they wait for nothing: what
 * they throw would end the process. What the bot has registered beside them is a listener like any other, and is called after.
 */
export class BotDispatches implements HandlerEmitter {
  readonly #dispatcher: OceanicDispatcher;
  readonly #own: ReadonlySet<DispatchFunction>;

  public constructor(dispatcher: OceanicDispatcher, failed: DispatchFailure) {
    this.#dispatcher = dispatcher;
    this.#own = new Set([...dispatcher.events.values()].flat());
    dispatcher.handle = ({ t, d }, shard) => {
      const event = String(t);
      for (const handle of [...(dispatcher.events.get(event) ?? [])]) {
        if (this.#own.has(handle)) Promise.resolve(handle(d, shard)).catch((error) => failed(error, shard));
      }
      this.emit(event, d, shard);
    };
  }

  /** Replaced by the isolation, which calls each of {@link rawListeners} by itself. */
  public emit(_event: string, ..._args: unknown[]): boolean {
    return false;
  }

  public listenerCount(event: string): number {
    return this.#ofBot(event).length;
  }

  public readonly rawListeners = (event: string): ((...args: unknown[]) => unknown)[] => {
    return this.#ofBot(event).map((handle) => (data, shard) => handle(data, shard as OceanicShard));
  };

  #ofBot(event: string): DispatchFunction[] {
    return (this.#dispatcher.events.get(event) ?? []).filter((handle) => !this.#own.has(handle));
  }
}

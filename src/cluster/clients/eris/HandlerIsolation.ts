import type { Client } from 'eris';
import { type ErisEmitter, emitterOf } from './erisInternals.js';

export interface IsolationReports {
  /** eris emitted `error`, with or without a listener for it. */
  erisError(error: unknown, shardId: number | undefined): void;
  /** A handler of the bot threw, or its promise was rejected. */
  handlerError(event: string, error: unknown): void;
}

/**
 * Stands between eris and the bot's handlers. A handler that throws would keep later handlers, and the rest of eris's own
 * work on the packet, from being done; one that rejects, and an `error` event without a listener, would end the process.
 * Here each handler runs by itself, and what it throws is reported.
 *
 * `mute` lets eris work on a packet without any handler being called.
 */
export class HandlerIsolation {
  #muted = false;

  public constructor(
    client: Client,
    private readonly reports: IsolationReports,
  ) {
    const emitter = emitterOf(client);
    const emit = emitter.emit.bind(emitter);
    // eris looks `emit` up for every event (Shard.emit), so that one on the instance is enough.
    emitter.emit = (event, ...args) => {
      if (this.#muted) return false;
      if (event === 'error') this.reports.erisError(args[0], typeof args[1] === 'number' ? args[1] : undefined);
      return emitter.rawListeners === undefined
        ? this.#callTogether(emit, event, args)
        : this.#callEach(emitter, emitter.rawListeners(event), event, args);
    };
  }

  public mute(work: () => void): void {
    this.#muted = true;
    try {
      work();
    } finally {
      this.#muted = false;
    }
  }

  #callEach(emitter: ErisEmitter, listeners: readonly Handler[], event: string, args: unknown[]): boolean {
    for (const listener of listeners) {
      try {
        const outcome: unknown = Reflect.apply(listener, emitter, args);
        if (isPromise(outcome)) outcome.then(undefined, (error: unknown) => this.reports.handlerError(event, error));
      } catch (error) {
        this.reports.handlerError(event, error);
      }
    }
    return listeners.length > 0;
  }

  /** With `eventemitter3` handlers cannot be called one by one: only what they throw at once is caught. */
  #callTogether(emit: ErisEmitter['emit'], event: string, args: unknown[]): boolean {
    try {
      return emit(event, ...args);
    } catch (error) {
      this.reports.handlerError(event, error);
      return true;
    }
  }
}

type Handler = (...args: unknown[]) => unknown;

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

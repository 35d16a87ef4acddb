import type { Client } from 'eris';
import type { ClientLog, ListenerPromises } from '../ClientAdapter.js';
import { type ErisEmitter, emitterOf } from './erisInternals.js';

const NO_PROMISES: ListenerPromises = [];

/**
 * Stands between eris and the bot's handlers. A handler that throws would keep later handlers, and the rest of eris's own
 * work on the packet, from being done; one that rejects, and an `error` event without a listener, would end the process.
 * Here each handler runs by itself, and what it throws is reported.
 *
 * Between `begin` and `end` it may be muted, and promises that handlers return are collected.
 */
export class HandlerIsolation {
  #isMuted = false;
  #promises: PromiseLike<unknown>[] | null = null;

  public constructor(
    client: Client,
    private readonly log: ClientLog,
  ) {
    const emitter = emitterOf(client);
    const emit = emitter.emit.bind(emitter);
    // eris looks `emit` up for every event (Shard.emit), so that one on the instance is enough.
    emitter.emit = (event, ...args) => {
      if (this.#isMuted) return false;
      if (event === 'error') this.log.clientError(args[0], typeof args[1] === 'number' ? args[1] : undefined);
      if (emitter.listenerCount(event) === 0) return false;
      return emitter.rawListeners === undefined
        ? this.#callTogether(emit, event, args)
        : this.#callEach(emitter, emitter.rawListeners(event), event, args);
    };
  }

  public begin(isMuted: boolean): void {
    this.#isMuted = isMuted;
    this.#promises = null;
  }

  /** @returns what the handlers have returned since, where these are promises. */
  public end(): ListenerPromises {
    const promises = this.#promises;
    this.#isMuted = false;
    this.#promises = null;
    return promises ?? NO_PROMISES;
  }

  #callEach(emitter: ErisEmitter, listeners: readonly Handler[], event: string, args: unknown[]): true {
    for (const listener of listeners) {
      try {
        const outcome: unknown = Reflect.apply(listener, emitter, args);
        if (isPromise(outcome)) this.#watch(outcome, event);
      } catch (error) {
        this.log.handlerError(event, error);
      }
    }
    return true;
  }

  #watch(promise: PromiseLike<unknown>, event: string): void {
    promise.then(undefined, (error: unknown) => this.log.handlerError(event, error));
    this.#promises ??= [];
    this.#promises.push(promise);
  }

  /** With `eventemitter3` handlers cannot be called one by one: only what they throw at once is caught. */
  #callTogether(emit: ErisEmitter['emit'], event: string, args: unknown[]): boolean {
    try {
      return emit(event, ...args);
    } catch (error) {
      this.log.handlerError(event, error);
      return true;
    }
  }
}

type Handler = (...args: unknown[]) => unknown;

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

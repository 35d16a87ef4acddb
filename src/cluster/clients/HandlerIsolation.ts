import type { ClientSetup } from './ClientAdapter.js';
import { isPromiseLike } from './isPromiseLike.js';

type Handler = (...args: unknown[]) => unknown;

/** What a library emits on. `emit` is replaced, and the library must look it up again for every event. */
export interface HandlerEmitter {
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
  /** Missing where `eventemitter3` is installed: eris prefers it to Node's. */
  readonly rawListeners?: (event: string) => Handler[];
}

export interface GuardOptions {
  /** Called for every event that is not muted, with or without a listener for it. */
  readonly heard?: (event: string, args: readonly unknown[]) => void;
  /** Whether a rejection goes to the emitter's `error` listeners as well: Node's `captureRejections`. Default false. */
  readonly rejectionsAreErrors?: boolean;
}

/**
 * Stands between a library and the bot's handlers. A handler that throws would keep later handlers, and the rest of the
 * library's own work on the packet, from being done; one that rejects, and an `error` event without a listener, would end the
 * process. Here each handler runs by itself, and what it throws is reported.
 *
 * Between `begin` and `end` all guarded emitters may be muted.
 */
export class HandlerIsolation {
  #isMuted = false;

  public constructor(private readonly setup: Pick<ClientSetup, 'log' | 'callListener'>) {}

  public guard(emitter: HandlerEmitter, options: GuardOptions = {}): void {
    const emit = emitter.emit.bind(emitter);
    emitter.emit = (event, ...args) => {
      if (this.#isMuted) return false;
      options.heard?.(event, args);
      if (emitter.listenerCount(event) === 0) return false;
      if (emitter.rawListeners === undefined) return this.#callTogether(emit, event, args);
      this.#callEach(emitter, options, event, args);
      return true;
    };
  }

  public begin(isMuted: boolean): void {
    this.#isMuted = isMuted;
  }

  public end(): void {
    this.#isMuted = false;
  }

  #callEach(emitter: HandlerEmitter, options: GuardOptions, event: string, args: readonly unknown[]): void {
    for (const handler of emitter.rawListeners?.(event) ?? []) {
      try {
        const outcome = this.#call(handler, () => Reflect.apply(handler, emitter, args));
        if (isPromiseLike(outcome))
          this.#watch(outcome, event, (error) => this.#rejected(emitter, options, event, error));
      } catch (error) {
        this.setup.log.handlerError(event, error);
      }
    }
  }

  #watch(promise: PromiseLike<unknown>, event: string, rejected: (error: unknown) => void): void {
    promise.then(undefined, (error: unknown) => {
      this.setup.log.handlerError(event, error);
      rejected(error);
    });
  }

  #call(handler: object, call: () => unknown): unknown {
    const { callListener } = this.setup;
    return callListener === undefined ? call() : callListener(handler, call);
  }

  /** It is in the log already, so that `heard` need not hear of it. One of an `error` handler would go round in a circle. */
  #rejected(emitter: HandlerEmitter, options: GuardOptions, event: string, error: unknown): void {
    if (options.rejectionsAreErrors === true && event !== 'error') this.#callEach(emitter, options, 'error', [error]);
  }

  /** With `eventemitter3` handlers cannot be called one by one: only what they throw at once is caught. */
  #callTogether(emit: HandlerEmitter['emit'], event: string, args: readonly unknown[]): boolean {
    try {
      this.#call(emit, () => emit(event, ...args));
      return true;
    } catch (error) {
      this.setup.log.handlerError(event, error);
      return true;
    }
  }
}

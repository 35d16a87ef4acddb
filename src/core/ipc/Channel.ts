import {
  AbortError,
  type ExitReason,
  KallistiError,
  NoHandlerError,
  ProtocolError,
  QueueFullError,
  RemoteError,
  RequestTimeoutError,
  SerializationError,
  WorkerExitedError,
} from '../errors.js';
import type { ReplyFunction, RequestOptions } from './contract.js';
import { DeadlineTimer } from './DeadlineTimer.js';
import {
  cancelText,
  type Envelope,
  errorText,
  messageText,
  parseEnvelope,
  replyText,
  toWireError,
  type WireError,
} from './Envelope.js';
import type { Handlers } from './Handlers.js';
import { type Entry, IdTable } from './IdTable.js';
import { noReply, replyFunction, type Serving } from './Serving.js';
import type { Transport } from './Transport.js';

/** How long a request waits for its reply unless the caller says otherwise, in milliseconds. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

/** Sees how requests end, for metrics. It must not throw. `code` is the error's; undefined for a reply. */
export interface ChannelObserver {
  /** A request of this end has settled. */
  requested(name: string, durationMs: number, code: string | undefined): void;
  /** A handler of this end has answered a request of the other end, or thrown. */
  served(name: string, durationMs: number, code: string | undefined): void;
}

export interface ChannelOptions {
  readonly transport: Transport;
  readonly handlers: Handlers;
  /** The other end in words, for errors: `cluster 3 (pid 4711)`. */
  readonly peer: string;
  /** Gets what a handler of an event threw, because an event has nobody to answer. */
  readonly onEventError: (name: string, error: unknown) => void;
  /** The transport has closed. Open requests wait for {@link Channel.end}, whose caller knows how the peer ended. */
  readonly onClosed: (error: Error | undefined) => void;
  /** The other end asks for more than may be served at once. Called once for each such burst. Default: nobody hears of it. */
  readonly onOverload?: ((name: string, limit: number) => void) | undefined;
  /** Default: nobody looks. */
  readonly observer?: ChannelObserver | undefined;
  /** Overrides single values of {@link CHANNEL_LIMITS}. */
  readonly limits?: Partial<ChannelLimits> | undefined;
}

/** What one channel holds at most, so that a flood cannot fill the memory of either end. */
export interface ChannelLimits {
  /** Requests of the other end that are served at a time. Default 10 000; a further one is refused with QUEUE_FULL at once. */
  readonly maxServing: number;
  /** Requests of this end that wait for a reply. Default 100 000; a further one rejects with `QueueFullError`, and is not sent. */
  readonly maxPending: number;
}

export const CHANNEL_LIMITS = { maxServing: 10_000, maxPending: 100_000 } as const satisfies ChannelLimits;

interface Pending extends Entry<Pending> {
  readonly name: string;
  readonly startedAt: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timeoutMs: number;
  /** On the clock of `performance.now`. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (() => void) | undefined;
}

/**
 * Requests, replies and events over a {@link Transport}.
 *
 * A request settles exactly once, by the first of: the reply, the handler's error, the timeout, the caller's signal, the peer's
 * end, no handler, data that is not JSON, a full queue. A later reply is ignored.
 *
 * {@link ChannelLimits} and the transport's queue bound what a channel holds. Whoever asks for more gets an error at once.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #limits: ChannelLimits;
  readonly #pending = new IdTable<Pending>();
  readonly #deadlines = new DeadlineTimer((now) => this.#timeOut(now));
  /** Requests of the other end that a handler works on. */
  readonly #serving = new IdTable<Serving>();
  /** Calls of handlers that have not settled. Those of given-up requests count: they hold memory until they end. */
  #working = 0;
  #isOverloaded = false;
  #lastId = 0;
  #exit: ExitReason | undefined;
  #closed = false;

  public constructor(options: ChannelOptions) {
    this.#options = options;
    this.#limits = { ...CHANNEL_LIMITS, ...options.limits };
  }

  /** How many requests wait for a reply. */
  public get pendingCount(): number {
    return this.#pending.size;
  }

  /** Bytes that wait for the other end to read. */
  public get queuedBytes(): number {
    return this.#options.transport.queuedBytes;
  }

  /** Whether nothing can be sent any more. */
  public get closed(): boolean {
    return this.#closed;
  }

  /** Starts delivery. */
  public open(): void {
    this.#options.transport.listen({
      message: (text) => this.#receive(text),
      closed: (error) => {
        this.#closed = true;
        for (const { id } of this.#serving.entries()) this.#stopServing(id, 'the caller is gone');
        this.#options.onClosed(error);
      },
    });
  }

  /**
   * Sends an event. It is on its way when this returns. Whether it arrives nobody learns: an event has no answer.
   *
   * @throws WorkerExitedError where the peer has ended, SerializationError, QueueFullError.
   */
  public send(name: string, data: unknown): void {
    if (this.#closed) throw this.#exitError(this.#describe('event', name));
    const text = this.#compose('event', ++this.#lastId, name, data);
    if (!this.#options.transport.send(text)) throw new QueueFullError(this.#describe('event', name), text.length);
  }

  /** Sends a request. Never throws; the promise rejects as the class says. */
  public request(name: string, data: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS, signal } = options;
    const { observer } = this.#options;
    // The clock is read only for an observer: this is the hottest path of all.
    const startedAt = observer === undefined ? 0 : performance.now();
    return new Promise((resolve, fail) => {
      const reject =
        observer === undefined
          ? fail
          : (error: Error): void => {
              observer.requested(name, performance.now() - startedAt, codeOf(error));
              fail(error);
            };
      if (Number.isNaN(timeoutMs)) {
        reject(new RangeError('timeoutMs is NaN; allowed: milliseconds, or Infinity'));
        return;
      }
      if (signal?.aborted) {
        reject(new AbortError(this.#describe('request', name), signal.reason));
        return;
      }
      if (this.#closed) {
        reject(this.#exitError(this.#describe('request', name)));
        return;
      }
      if (this.#pending.size >= this.#limits.maxPending) {
        reject(new QueueFullError(this.#describe('request', name), 0, `${this.#pending.size} requests wait already`));
        return;
      }
      const id = ++this.#lastId;
      const text = this.#compose('request', id, name, data);
      if (!this.#options.transport.send(text)) {
        reject(new QueueFullError(this.#describe('request', name), text.length));
        return;
      }
      const deadline = performance.now() + timeoutMs;
      this.#deadlines.add(deadline);
      const onAbort =
        signal === undefined
          ? undefined
          : (): void => this.#giveUp(id, new AbortError(this.#describe('request', name), signal.reason));
      if (onAbort !== undefined) signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.add({ id, name, startedAt, resolve, reject, timeoutMs, deadline, signal, onAbort });
    });
  }

  /** Resolves when everything sent so far has left this process. */
  public flush(): Promise<void> {
    return this.#options.transport.flush();
  }

  /** Sends what is queued, then closes. {@link end} rejects the open requests. */
  public close(): Promise<void> {
    return this.#options.transport.close();
  }

  /** Closes now. */
  public destroy(): void {
    this.#options.transport.destroy();
  }

  /** The peer has ended: every open request and every later one rejects with a `WorkerExitedError` that says how. */
  public end(exit: ExitReason): void {
    this.#exit ??= exit;
    this.#closed = true;
    this.#deadlines.stop();
    for (const { id, name } of this.#pending.entries()) {
      this.#settle(id)?.reject(this.#exitError(this.#describe('request', name)));
    }
  }

  /** @throws SerializationError */
  #compose(kind: 'request' | 'event', id: number, name: string, data: unknown): string {
    try {
      return messageText(kind, id, name, data);
    } catch (error) {
      throw new SerializationError(this.#describe(kind, name), error);
    }
  }

  #describe(kind: 'request' | 'event', name: string): string {
    return `${kind} "${name}" to ${this.#options.peer}`;
  }

  #exitError(what: string): WorkerExitedError {
    return new WorkerExitedError(what, this.#options.peer, this.#exit ?? { code: null, signal: null });
  }

  /** @returns the request, which its caller settles now; undefined where it has settled before. */
  #settle(id: number): Pending | undefined {
    const pending = this.#pending.take(id);
    if (pending?.onAbort !== undefined) pending.signal?.removeEventListener('abort', pending.onAbort);
    return pending;
  }

  /** @returns the next deadline. */
  #timeOut(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { id, name, deadline, timeoutMs } of this.#pending.entries()) {
      if (deadline <= now) this.#giveUp(id, new RequestTimeoutError(this.#describe('request', name), timeoutMs));
      else if (deadline < next) next = deadline;
    }
    return next;
  }

  /** The caller no longer waits. This tells the other end, so that its handler need not work for nobody. */
  #giveUp(id: number, error: Error): void {
    const pending = this.#settle(id);
    if (pending === undefined) return;
    if (!this.#closed) this.#options.transport.send(cancelText(id), true);
    pending.reject(error);
  }

  #receive(text: string): void {
    let envelope: Envelope;
    try {
      envelope = parseEnvelope(text);
    } catch (error) {
      this.#options.transport.destroy(error instanceof Error ? error : new ProtocolError(String(error)));
      return;
    }
    // By index: a destructuring pattern would go through the array's iterator.
    switch (envelope[0]) {
      case 'request':
        this.#serveRequest(envelope[1], envelope[2], envelope[3]);
        return;
      case 'event':
        this.#serveEvent(envelope[1], envelope[2], envelope[3]);
        return;
      case 'reply':
      case 'error': {
        const pending = this.#settle(envelope[1]);
        // It was given up in the meantime: its caller has had an error.
        if (pending === undefined) return;
        if (envelope[0] === 'reply') {
          this.#options.observer?.requested(pending.name, performance.now() - pending.startedAt, undefined);
          pending.resolve(envelope[2]);
        } else pending.reject(this.#fromWire(pending.name, envelope[2]));
        return;
      }
      case 'cancel':
        this.#stopServing(envelope[1], 'the caller gave the request up');
        return;
    }
  }

  #fromWire(name: string, wire: WireError): Error {
    const { peer } = this.#options;
    const what = this.#describe('request', name);
    if (wire.by === 'channel' && wire.code === 'NO_HANDLER') return new NoHandlerError(what, peer);
    if (wire.by === 'channel' && wire.code === 'SERIALIZATION_FAILED')
      return new SerializationError(what, wire.message);
    return new RemoteError(wire, peer);
  }

  #serveRequest(id: number, name: string, data: unknown): void {
    const { handlers, peer } = this.#options;
    if (!handlers.has(name)) {
      const { stack: _, ...error } = toWireError(new NoHandlerError(name, peer), 'channel');
      this.#sendError(id, error);
      return;
    }
    if (this.#refuses(name)) {
      // No error object: in a flood its stack would be most of the work.
      const message = `request "${name}": ${this.#limits.maxServing} requests are being served already`;
      this.#sendError(id, { by: 'channel', name: 'QueueFullError', message, code: 'QUEUE_FULL' });
      return;
    }
    const serving: Serving = { id, isOver: false };
    const { observer } = this.#options;
    const startedAt = observer === undefined ? 0 : performance.now();
    const answer = (value: unknown): void => {
      if (serving.isOver) return;
      serving.isOver = true;
      this.#serving.take(id);
      observer?.served(name, performance.now() - startedAt, undefined);
      this.#reply(id, name, value);
    };
    const reply = (): ReplyFunction<unknown> => replyFunction(answer, serving);
    const called = handlers.call(name, data, String(id), reply, (outcome, thrown) => {
      this.#working--;
      if (thrown !== undefined) {
        if (serving.isOver) return;
        serving.isOver = true;
        this.#serving.take(id);
        const wire = toWireError(thrown.error, 'handler');
        observer?.served(name, performance.now() - startedAt, wire.code ?? 'REMOTE_ERROR');
        this.#sendError(id, wire);
      } else if (outcome !== undefined) {
        answer(outcome.value);
      }
    });
    // Not `+= handlers.call(...)`: that would read the count before handlers that answer at once have lowered it.
    this.#working += called;
    // Most handlers answer at once, so that nobody needs to find the request again.
    if (!serving.isOver) this.#serving.add(serving);
  }

  /** Nobody waits for this answer any more. */
  #stopServing(id: number, reason: string): void {
    const serving = this.#serving.take(id);
    if (serving === undefined) return;
    serving.isOver = true;
    serving.controller?.abort(new Error(reason));
  }

  /** @returns whether too much is being served for one more. Reports it once, until half of it is done. */
  #refuses(name: string): boolean {
    const { maxServing } = this.#limits;
    const serving = Math.max(this.#serving.size, this.#working);
    if (serving < maxServing) {
      if (serving < maxServing / 2) this.#isOverloaded = false;
      return false;
    }
    if (!this.#isOverloaded) this.#options.onOverload?.(name, maxServing);
    this.#isOverloaded = true;
    return true;
  }

  #serveEvent(id: number, name: string, data: unknown): void {
    const { handlers, onEventError } = this.#options;
    handlers.call(name, data, String(id), noReply, (_, thrown) => {
      if (thrown !== undefined) onEventError(name, thrown.error);
    });
  }

  #reply(id: number, name: string, data: unknown): void {
    let text: string;
    try {
      text = replyText(id, data);
    } catch (error) {
      this.#sendError(id, toWireError(new SerializationError(`reply to "${name}"`, error), 'channel'));
      return;
    }
    if (this.#options.transport.send(text) || this.#closed) return;
    // The caller reads too slowly for a reply of this size. It must still learn that none will come.
    this.#sendError(id, toWireError(new QueueFullError(`reply to "${name}"`, text.length), 'channel'));
  }

  #sendError(id: number, error: WireError): void {
    this.#options.transport.send(errorText(id, error), true);
  }
}

/** @returns the code of an error. For one without a code it is what the other end would see. */
function codeOf(error: Error): string {
  return error instanceof KallistiError ? error.code : 'REMOTE_ERROR';
}

/** @returns what to log when requests are refused, see `onOverload`. */
export function describeOverload(peer: string, limit: number): string {
  return `${limit} requests of ${peer} are being served at once: further ones are refused until some are done`;
}

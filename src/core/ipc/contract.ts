/**
 * Contracts: one type per worker kind lists every message of both directions.
 *
 * ```ts
 * type TickContract = {
 *   toWorker: { tick: Request<number, string>; hush: Event<{ minutes: number }> };
 *   toMaster: { ping: Request<string, string> };
 * };
 * class TickWorker extends BaseWorker<TickContract> {}
 * class TickConnection extends WorkerConnection<TickContract> {}
 * ```
 * A wrong name, payload or direction does not compile, nor does a handler that forgets its reply. Without a contract a worker
 * takes any name.
 */

/** A message that expects a reply. Data and reply must survive JSON. */
export interface Request<Data, Reply> {
  /** Only for types. */
  readonly '~kind': 'request';
  readonly data: Data;
  readonly reply: Reply;
}

/** A message that expects no reply. Data must survive JSON. */
export interface Event<Data> {
  /** Only for types. */
  readonly '~kind': 'event';
  readonly data: Data;
}

/** The id of a message, unique per connection and direction. */
export type snowflake = string;

export interface Contract {
  readonly toWorker: object;
  readonly toMaster: object;
}

/** The contract of a worker without one: every name is allowed, in both directions. */
export interface AnyContract {
  readonly toWorker: Record<string, never>;
  readonly toMaster: Record<string, never>;
}

/** Whether `Messages` lists names at all, or is {@link AnyContract}'s "any name". */
export type IsLoose<Messages> = string extends keyof Messages ? true : false;

export type RequestName<Messages> = {
  [Name in keyof Messages & string]: IsLoose<Messages> extends true
    ? Name
    : Messages[Name] extends Request<infer _Data, infer _Reply>
      ? Name
      : never;
}[keyof Messages & string];

export type EventName<Messages> = {
  [Name in keyof Messages & string]: IsLoose<Messages> extends true
    ? Name
    : Messages[Name] extends Event<infer _Data>
      ? Name
      : never;
}[keyof Messages & string];

export type DataOf<Messages, Name extends keyof Messages> =
  IsLoose<Messages> extends true ? unknown : Messages[Name] extends { readonly data: infer Data } ? Data : never;

export type ReplyOf<Messages, Name extends keyof Messages> =
  IsLoose<Messages> extends true
    ? unknown
    : Messages[Name] extends Request<infer _Data, infer Reply>
      ? Reply
      : undefined;

/** `[data]`, or nothing at all where the contract says `undefined` or `void`. */
export type DataArgs<Data> = undefined extends Data ? [data?: Data] : [data: Data];

export interface RequestOptions {
  /**
   * How long to wait for the reply, in milliseconds. Default 10 000. `Infinity` waits for as long as the peer lives. NaN rejects
   * with a RangeError.
   */
  readonly timeoutMs?: number;
  /** Gives the request up when it fires: the request rejects with `AbortError`, and the handler's `reply.signal` fires. */
  readonly signal?: AbortSignal;
}

/** Answers the request. A second call does nothing. */
export interface ReplyFunction<Reply> {
  (data: Reply): void;
  /** Fires when the caller has given the request up, or is gone. */
  readonly signal: AbortSignal;
}

/**
 * What `on` accepts where there is no contract. A method type, because its parameters are compared bivariantly: so
 * `(data: string, id: snowflake, reply: (data: string) => void) => void` is accepted although nobody checks the data.
 */
export type LooseWorkerHandler = {
  handle(data: unknown, id: snowflake, reply: ReplyFunction<unknown>): unknown;
}['handle'];

export type LooseConnectionHandler<Connection> = {
  handle(worker: Connection, data: unknown, id: snowflake, reply: ReplyFunction<unknown>): unknown;
}['handle'];

export type WorkerHandler<Messages, Name extends keyof Messages> =
  IsLoose<Messages> extends true
    ? LooseWorkerHandler
    : (data: DataOf<Messages, Name>, id: snowflake, reply: ReplyFunction<ReplyOf<Messages, Name>>) => unknown;

export type ConnectionHandler<Connection, Messages, Name extends keyof Messages> =
  IsLoose<Messages> extends true
    ? LooseConnectionHandler<Connection>
    : (
        worker: Connection,
        data: DataOf<Messages, Name>,
        id: snowflake,
        reply: ReplyFunction<ReplyOf<Messages, Name>>,
      ) => unknown;

interface ForgottenReply<Reply> {
  readonly 'this handler neither takes `reply` nor returns': Reply;
}

type AnyFunction = (...args: never[]) => unknown;

/**
 * Refuses a handler that forgets its reply. A handler must return the reply (or a promise of it), unless it has all `Arity`
 * parameters: the last one is `reply`.
 */
export type ReplyChecked<Handler, Messages, Name extends keyof Messages, Arity extends number> =
  IsLoose<Messages> extends true
    ? unknown
    : Messages[Name] extends Request<infer _Data, infer Reply>
      ? Handler extends AnyFunction
        ? Parameters<Handler>['length'] extends Arity
          ? unknown
          : Awaited<ReturnType<Handler>> extends Reply
            ? unknown
            : ForgottenReply<Reply>
        : unknown
      : unknown;

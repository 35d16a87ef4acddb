/**
 * Compiled by `npm run check`, never run: what must compile does, and what must not is marked, so that the compiler fails when
 * it does.
 */
import {
  type BaseWorker,
  type Event,
  type Request,
  type snowflake,
  type WorkerConnection,
  WorkerPool,
  WorkerPoolEventService,
} from 'kallisti';

type TickContract = {
  toWorker: { tick: Request<number, string>; hush: Event<{ minutes: number }>; rest: Request<undefined, undefined> };
  toMaster: { ping: Request<string, string>; log: Event<string> };
};

declare const worker: BaseWorker<TickContract>;
declare const connection: WorkerConnection<TickContract>;
declare const loose: BaseWorker;
declare const looseConnection: WorkerConnection;

class Pool extends WorkerPool<WorkerConnection<TickContract>> {
  protected override createWorker(): WorkerConnection<TickContract> {
    return connection;
  }
}
declare const pool: Pool;

// Both directions, with data and reply.
const pong: Promise<string> = worker.request('ping', 'x');
const tock: Promise<string> = connection.request('tick', 5, { timeoutMs: 1, signal: AbortSignal.abort() });
const all: Promise<{ workerId: number }[]> = pool.requestAll('tick', 5);
worker.send('log', 'x');
connection.send('hush', { minutes: 5 });
void connection.request('rest', undefined);

// The seed's generic form, with a contract and without.
const seedForm: Promise<string> = worker.request<string, string>('ping', 'Hello!');
const seedLoose: Promise<string> = loose.request<string, string>('anything', 'Hello!');
const seedConnection: Promise<string> = looseConnection.request<number, string>('tick', 5);
loose.send('anything', { at: 'all' });
loose.on('tick', (data: string, _id: snowflake, reply: (data: string) => void): void => reply(data));

// A handler answers by its return, a promise, or `reply`.
worker.on('tick', (data) => `tock ${data.toFixed()}`);
worker.on('tick', async (data) => `tock ${data.toFixed()}`);
worker.on('tick', (data, _id, reply) => reply(`tock ${data.toFixed()}`));
worker.on('hush', ({ minutes }) => void minutes.toFixed());
worker.on('rest', () => undefined);
connection.on('ping', (from, data) => `${from.id} ${data}`);
connection.on('ping', (_from, data, _id, reply) => reply(data));
connection.on('log', (_from, text) => void text.length);

// Wrong names.
// @ts-expect-error nobody sends this to a worker
worker.on('tack', () => 'x');
// @ts-expect-error nobody serves this
void worker.request('pong', 'x');
// @ts-expect-error nobody serves this
void connection.request('tack', 5);
// @ts-expect-error nobody serves this
void pool.requestAll('tack', 5);
// @ts-expect-error nobody hears this
worker.send('lag', 'x');

// Wrong payloads.
// @ts-expect-error ping takes a string
void worker.request('ping', 5);
// @ts-expect-error tick takes a number
void connection.request('tick', 'x');
// @ts-expect-error minutes is missing
connection.send('hush', {});
// @ts-expect-error minutes is missing
connection.send('hush');
// @ts-expect-error the reply is a string
const wrongReply: Promise<number> = worker.request('ping', 'x');
// @ts-expect-error the reply must be a string
worker.on('tick', (data) => data);
// @ts-expect-error `reply` takes a string
worker.on('tick', (data, _id, reply) => reply(data));

// Wrong directions.
// @ts-expect-error ping goes to the master
void connection.request('ping', 'x');
// @ts-expect-error tick goes to the worker
void worker.request('tick', 5);
// @ts-expect-error tick is served by the worker
connection.on('tick', () => 'x');

// An event is not a request, nor the other way round.
// @ts-expect-error log has no reply
void worker.request('log', 'x');
// @ts-expect-error ping wants its reply heard
worker.send('ping', 'x');

// Forgotten replies.
// @ts-expect-error neither returns nor takes `reply`
worker.on('tick', (data) => void data.toFixed());
// @ts-expect-error neither returns nor takes `reply`
worker.on('tick', async () => undefined);
// @ts-expect-error neither returns nor takes `reply`
connection.on('ping', (_from, _data) => undefined);

class PingService extends WorkerPoolEventService<WorkerConnection<TickContract>, 'ping'> {
  protected override execute(from: WorkerConnection<TickContract>, data: string): string {
    return `${from.id} ${data.length}`;
  }
}

class WrongReplyService extends WorkerPoolEventService<WorkerConnection<TickContract>, 'ping'> {
  // @ts-expect-error ping's reply is a string
  protected override execute(_from: WorkerConnection<TickContract>, data: string): number {
    return data.length;
  }
}

// @ts-expect-error tick is not sent by workers
class WrongNameService extends WorkerPoolEventService<WorkerConnection<TickContract>, 'tick'> {
  protected override execute(): never {
    throw new Error();
  }
}

export {
  all,
  PingService,
  pong,
  seedConnection,
  seedForm,
  seedLoose,
  tock,
  WrongNameService,
  WrongReplyService,
  wrongReply,
};

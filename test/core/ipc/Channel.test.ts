import { describe, expect, it, vi } from 'vitest';
import {
  AbortError,
  NoHandlerError,
  QueueFullError,
  RemoteError,
  RequestTimeoutError,
  SerializationError,
  WorkerExitedError,
} from '../../../src/core/errors.js';
import { Channel, type ChannelObserver } from '../../../src/core/ipc/Channel.js';
import type { ReplyFunction } from '../../../src/core/ipc/contract.js';
import { Handlers } from '../../../src/core/ipc/Handlers.js';
import { MemoryTransport } from '../../../src/core/ipc/MemoryTransport.js';
import type { TransportLimits } from '../../../src/core/ipc/Transport.js';

interface Side {
  readonly channel: Channel;
  readonly handlers: Handlers;
  readonly transport: MemoryTransport;
  readonly eventErrors: unknown[];
  readonly closed: Promise<Error | undefined>;
}

function side(
  transport: MemoryTransport,
  peer: string,
  observer?: ChannelObserver,
  onOverload?: (name: string, limit: number) => void,
): Side {
  const handlers = new Handlers();
  const eventErrors: unknown[] = [];
  let onClosed: (error: Error | undefined) => void = () => undefined;
  const closed = new Promise<Error | undefined>((resolve) => {
    onClosed = resolve;
  });
  const channel = new Channel({
    transport,
    handlers,
    peer,
    onEventError: (_name, error) => eventErrors.push(error),
    onClosed,
    observer,
    onOverload,
  });
  return { channel, handlers, transport, eventErrors, closed };
}

function pair(limits?: TransportLimits): { master: Side; worker: Side } {
  const [left, right] = MemoryTransport.pair(limits);
  const master = side(left, 'cluster 3 (pid 4711)');
  const worker = side(right, 'the master');
  master.channel.open();
  worker.channel.open();
  return { master, worker };
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (error: unknown) => error,
  );

describe('an observer', () => {
  it('sees every request of its end, and every one that its end served, with how it ended and after how long', async () => {
    const seen: [string, string, string | undefined][] = [];
    const observer = (who: string) => ({
      requested: (name: string, durationMs: number, code: string | undefined) => {
        expect(durationMs).toBeGreaterThanOrEqual(0);
        seen.push([`${who} requested`, name, code]);
      },
      served: (name: string, _durationMs: number, code: string | undefined) =>
        void seen.push([`${who} served`, name, code]),
    });
    const [left, right] = MemoryTransport.pair();
    const master = side(left, 'worker', observer('master'));
    const worker = side(right, 'the master', observer('worker'));
    master.channel.open();
    worker.channel.open();
    worker.handlers.add('double', (n: number) => n * 2, false);
    worker.handlers.add(
      'fail',
      () => {
        throw Object.assign(new Error('no'), { code: 'E_NO' });
      },
      false,
    );
    worker.handlers.add('never', (_data: unknown, _id: string, _reply: unknown) => undefined, false);

    await master.channel.request('double', 21);
    await failure(master.channel.request('fail', undefined));
    await failure(master.channel.request('nobody', undefined));
    await failure(master.channel.request('never', undefined, { timeoutMs: 5 }));
    expect(seen).toEqual([
      ['worker served', 'double', undefined],
      ['master requested', 'double', undefined],
      ['worker served', 'fail', 'E_NO'],
      ['master requested', 'fail', 'E_NO'],
      ['master requested', 'nobody', 'NO_HANDLER'],
      ['master requested', 'never', 'REQUEST_TIMEOUT'],
    ]);
  });
});

describe('a request', () => {
  it('gets what the handler returns', async () => {
    const { master, worker } = pair();
    worker.handlers.add('double', (n: number) => n * 2, false);
    expect(await master.channel.request('double', 21)).toBe(42);
    expect(master.channel.pendingCount).toBe(0);
  });

  it('gets what the handler resolves with', async () => {
    const { master, worker } = pair();
    worker.handlers.add('double', async (n: number) => n * 2, false);
    expect(await master.channel.request('double', 21)).toBe(42);
  });

  it('gets what the handler hands to reply, later too, and only the first', async () => {
    const { master, worker } = pair();
    worker.handlers.add(
      'tick',
      (data: string, _id: string, reply: (text: string) => void) => {
        setImmediate(() => {
          reply(`tock ${data}`);
          reply('twice');
        });
      },
      false,
    );
    expect(await master.channel.request('tick', 'x')).toBe('tock x');
  });

  it('gets undefined from a handler that takes no reply and returns nothing', async () => {
    const { master, worker } = pair();
    worker.handlers.add('quiet', () => undefined, false);
    expect(await master.channel.request('quiet', undefined)).toBeUndefined();
  });

  it('gets the first answer where several handlers serve a name, and all of them are called', async () => {
    const { master, worker } = pair();
    const called: string[] = [];
    worker.handlers.add(
      'who',
      async () => {
        called.push('slow');
        await new Promise((resolve) => setImmediate(resolve));
        return 'slow';
      },
      false,
    );
    worker.handlers.add(
      'who',
      () => {
        called.push('fast');
        return 'fast';
      },
      false,
    );
    expect(await master.channel.request('who', undefined)).toBe('fast');
    expect(called).toEqual(['slow', 'fast']);
  });

  it('goes both ways under one name without an answer ever reaching a handler', async () => {
    const { master, worker } = pair();
    const calls: string[] = [];
    const serve =
      (who: string) =>
      (data: string): string => {
        calls.push(who);
        return `${who} ${data}`;
      };
    master.handlers.add('ping', serve('master'), false);
    worker.handlers.add('ping', serve('worker'), false);
    expect(await master.channel.request('ping', 'a')).toBe('worker a');
    expect(await worker.channel.request('ping', 'b')).toBe('master b');
    expect(calls).toEqual(['worker', 'master']);
  });

  it('rejects with RemoteError where the handler throws: name, message, code, stack and origin', async () => {
    const { master, worker } = pair();
    worker.handlers.add(
      'boom',
      () => {
        throw Object.assign(new TypeError('no such thing'), { code: 'E_THING' });
      },
      false,
    );
    const error = await failure(master.channel.request('boom', undefined));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      message: 'no such thing',
      code: 'E_THING',
      remoteName: 'TypeError',
      origin: 'cluster 3 (pid 4711)',
    });
    expect((error as RemoteError).remoteStack).toMatch(/Channel\.test/);
  });

  it('rejects with RemoteError where the handler rejects, even with something that is no error', async () => {
    const { master, worker } = pair();
    worker.handlers.add('boom', () => Promise.reject('just words'), false);
    expect(await failure(master.channel.request('boom', undefined))).toMatchObject({
      message: 'just words',
      code: 'REMOTE_ERROR',
    });
  });

  it('rejects at once, and is not sent, where its timeout is no number', async () => {
    const { master, worker } = pair();
    let calls = 0;
    worker.handlers.add('count', () => ++calls, false);
    const error = await failure(master.channel.request('count', undefined, { timeoutMs: Number.NaN }));
    expect(error).toMatchObject({
      name: 'RangeError',
      message: 'timeoutMs is NaN; allowed: milliseconds, or Infinity',
    });
    expect(await master.channel.request('count', undefined)).toBe(1);
  });

  it('rejects with RequestTimeoutError when no reply comes, and tells the handler', async () => {
    const { master, worker } = pair();
    let aborted: (reason: unknown) => void = () => undefined;
    const told = new Promise((resolve) => {
      aborted = resolve;
    });
    worker.handlers.add(
      'never',
      (_data: unknown, _id: string, reply: ReplyFunction<unknown>) => {
        reply.signal.addEventListener('abort', () => aborted(reply.signal.reason));
      },
      false,
    );
    const error = await failure(master.channel.request('never', undefined, { timeoutMs: 20 }));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(error).toMatchObject({ code: 'REQUEST_TIMEOUT', timeoutMs: 20, retryable: true });
    expect(String(await told)).toMatch(/gave the request up/);
  });

  it.each([
    ['at once', (data: number) => data],
    ['later', async (data: number) => data],
  ])(
    'leaves no trace in the limits of its channel when it is answered %s, however many there are',
    async (_when, handler) => {
      const { master, worker } = pair();
      worker.handlers.add('echo', handler, false);
      for (let round = 0; round < 25; round++) {
        const asked = Array.from({ length: 1_000 }, (_, index) => master.channel.request('echo', index));
        expect((await Promise.all(asked)).at(-1)).toBe(999);
      }
      expect(master.channel.pendingCount).toBe(0);
    },
  );

  it('ignores a reply that comes after the timeout', async () => {
    const { master, worker } = pair();
    let late: (value: string) => void = () => undefined;
    worker.handlers.add(
      'late',
      (_d: unknown, _i: string, reply: (value: string) => void) => {
        late = reply;
      },
      false,
    );
    await failure(master.channel.request('late', undefined, { timeoutMs: 5 }));
    late('too late');
    worker.handlers.add('echo', (data: string) => data, false);
    expect(await master.channel.request('echo', 'still fine')).toBe('still fine');
  });

  it('rejects with AbortError when the signal fires, and the cancel crosses the wire', async () => {
    const { master, worker } = pair();
    const controller = new AbortController();
    let handlerSignal: AbortSignal | undefined;
    worker.handlers.add(
      'long',
      (_data: unknown, _id: string, reply: ReplyFunction<unknown>) => {
        handlerSignal = reply.signal;
        controller.abort(new Error('changed my mind'));
      },
      false,
    );
    const error = await failure(master.channel.request('long', undefined, { signal: controller.signal }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ code: 'REQUEST_ABORTED', cause: { message: 'changed my mind' } });
    worker.handlers.add('echo', (data: string) => data, false);
    await master.channel.request('echo', 'after the cancel');
    expect(handlerSignal?.aborted).toBe(true);
  });

  it('is not sent at all where the signal has fired before', async () => {
    const { master, worker } = pair();
    let calls = 0;
    worker.handlers.add('count', () => ++calls, false);
    const error = await failure(master.channel.request('count', undefined, { signal: AbortSignal.abort() }));
    expect(error).toBeInstanceOf(AbortError);
    expect(await master.channel.request('count', undefined)).toBe(1);
  });

  it('rejects with NoHandlerError at once where nobody serves the name', async () => {
    const { master } = pair();
    const error = await failure(master.channel.request('nobody', undefined, { timeoutMs: 60_000 }));
    expect(error).toBeInstanceOf(NoHandlerError);
    expect(String(error)).toMatch(/"nobody" to cluster 3 \(pid 4711\)/);
  });

  it('rejects with SerializationError where the data cannot be written, and nothing is sent', async () => {
    const { master, worker } = pair();
    worker.handlers.add('echo', (data: unknown) => data, false);
    const error = await failure(master.channel.request('echo', 10n));
    expect(error).toBeInstanceOf(SerializationError);
    expect(master.channel.pendingCount).toBe(0);
    expect(await master.channel.request('echo', 10)).toBe(10);
  });

  it('rejects with SerializationError where the reply cannot be written', async () => {
    const { master, worker } = pair();
    worker.handlers.add('huge', () => 10n, false);
    expect(await failure(master.channel.request('huge', undefined))).toBeInstanceOf(SerializationError);
  });

  it('rejects with WorkerExitedError when the peer ends, naming it and how, and so does every later one', async () => {
    const { master, worker } = pair();
    worker.handlers.add('never', (_d: unknown, _i: string, _reply: unknown) => undefined, false);
    const open = Array.from({ length: 100 }, () => failure(master.channel.request('never', undefined)));
    worker.channel.destroy();
    await master.closed;
    master.channel.end({ code: null, signal: 'SIGKILL' });
    for (const error of await Promise.all(open)) {
      expect(error).toBeInstanceOf(WorkerExitedError);
      expect(String(error)).toMatch(/cluster 3 \(pid 4711\) was killed by SIGKILL/);
    }
    expect(master.channel.pendingCount).toBe(0);
    expect(await failure(master.channel.request('never', undefined))).toBeInstanceOf(WorkerExitedError);
    expect(() => master.channel.send('event', undefined)).toThrow(WorkerExitedError);
  });

  it('rejects with QueueFullError where the other end does not read, and a reply that does not fit is an error too', async () => {
    const { master, worker } = pair({ maxMessageBytes: 10_000, maxQueueBytes: 1_000 });
    expect(await failure(master.channel.request('echo', 'x'.repeat(2_000)))).toBeInstanceOf(QueueFullError);
    expect(() => master.channel.send('event', 'x'.repeat(2_000))).toThrow(QueueFullError);
    worker.handlers.add('big', () => 'x'.repeat(2_000), false);
    expect(await failure(master.channel.request('big', undefined))).toMatchObject({ code: 'QUEUE_FULL' });
  });

  it('aborts the signals of its handlers when the caller is gone', async () => {
    const { master, worker } = pair();
    let signal: AbortSignal | undefined;
    worker.handlers.add(
      'long',
      (_d: unknown, _i: string, reply: ReplyFunction<unknown>) => {
        signal = reply.signal;
      },
      false,
    );
    const open = failure(master.channel.request('long', undefined));
    while (signal === undefined) await new Promise((resolve) => setImmediate(resolve));
    master.channel.destroy();
    await worker.closed;
    expect(signal.aborted).toBe(true);
    master.channel.end({ code: 0, signal: null });
    await open;
  });
});

describe('an event', () => {
  it('reaches every handler of its name; once means once', async () => {
    const { master, worker } = pair();
    const heard: string[] = [];
    worker.handlers.add('news', (data: string) => heard.push(`always ${data}`), false);
    worker.handlers.add('news', (data: string) => heard.push(`once ${data}`), true);
    worker.handlers.add('echo', (data: string) => data, false);
    master.channel.send('news', 'a');
    master.channel.send('news', 'b');
    await master.channel.request('echo', '');
    expect(heard).toEqual(['always a', 'once a', 'always b']);
  });

  it('whose handler throws or rejects is reported, and harms nobody', async () => {
    const { master, worker } = pair();
    const heard: string[] = [];
    worker.handlers.add(
      'news',
      () => {
        throw new Error('sync');
      },
      false,
    );
    worker.handlers.add('news', () => Promise.reject(new Error('async')), false);
    worker.handlers.add('news', () => heard.push('third'), false);
    worker.handlers.add('echo', (data: string) => data, false);
    master.channel.send('news', undefined);
    await master.channel.request('echo', '');
    expect(heard).toEqual(['third']);
    expect(worker.eventErrors.map(String)).toEqual(['Error: sync', 'Error: async']);
  });
});

describe('garbage', () => {
  it.each([
    ['not JSON', '["request",'],
    ['no array', '5'],
    ['null', 'null'],
    ['an object', '{"0":"reply","1":1}'],
    ['an unknown kind', '["gossip",1]'],
    ['no id', '["reply"]'],
    ['a request without a name', '["request",1]'],
    ['an error without a message', '["error",1,{}]'],
  ])('closes the connection: %s', async (_what, text) => {
    const { master, worker } = pair();
    worker.transport.send(text);
    expect(String(await master.closed)).toMatch(/ProtocolError/);
  });

  it('replies to requests that nobody made are ignored', async () => {
    const { master, worker } = pair();
    worker.transport.send('["reply",99,1]');
    worker.transport.send('["cancel",99]');
    worker.handlers.add('echo', (data: string) => data, false);
    expect(await master.channel.request('echo', 'fine')).toBe('fine');
  });
});

describe('a flood of requests', () => {
  const FLOOD = 100_000;

  it('to a slow handler is served up to the limit and refused beyond it at once, and logged once', async () => {
    const overloads: [string, number][] = [];
    const [left, right] = MemoryTransport.pair();
    const caller = side(left, 'the server');
    const server = side(right, 'the caller', undefined, (name, limit) => overloads.push([name, limit]));
    caller.channel.open();
    server.channel.open();
    let finish: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let running = 0;
    let peak = 0;
    server.handlers.add(
      'slow',
      async () => {
        peak = Math.max(peak, ++running);
        await slow;
        running--;
      },
      false,
    );
    const codes = new Map<string, number>();
    const note = (code: string): void => void codes.set(code, (codes.get(code) ?? 0) + 1);
    const all = Array.from({ length: FLOOD }, () =>
      caller.channel.request('slow', undefined, { timeoutMs: 60_000 }).then(
        () => note('served'),
        (error: { code: string }) => note(error.code),
      ),
    );
    await vi.waitFor(() => expect(codes.get('QUEUE_FULL')).toBe(FLOOD - 10_000), 25_000);
    expect(peak).toBe(10_000);
    finish();
    await Promise.all(all);
    expect(Object.fromEntries(codes)).toEqual({ served: 10_000, QUEUE_FULL: FLOOD - 10_000 });
    expect(overloads).toEqual([['slow', 10_000]]);
    server.handlers.add('echo', (data: unknown) => data, false);
    expect(await caller.channel.request('echo', 'after it')).toBe('after it');
    expect(caller.channel.pendingCount).toBe(0);
    expect(running).toBe(0);
  }, 30_000);

  it('that gives up each request at once still runs no more handlers than the limit', async () => {
    const [left, right] = MemoryTransport.pair();
    const caller = side(left, 'the server');
    const server = side(right, 'the caller');
    caller.channel.open();
    server.channel.open();
    let started = 0;
    server.handlers.add('never', () => new Promise(() => started++), false);
    for (let request = 0; request < 30_000; request++) {
      const giveUp = new AbortController();
      void caller.channel.request('never', undefined, { signal: giveUp.signal }).catch(() => undefined);
      giveUp.abort();
    }
    server.handlers.add('echo', (data: unknown) => data, false);
    expect(await failure(caller.channel.request('echo', 1))).toMatchObject({ code: 'QUEUE_FULL', retryable: true });
    expect(started).toBe(10_000);
    // What is at work goes on; the caller is told of the refusal, and nothing of it waits here.
    expect(caller.channel.pendingCount).toBe(0);
  });

  it('of this end itself is refused beyond the limit, and nothing is sent', async () => {
    const [left, right] = MemoryTransport.pair();
    const caller = side(left, 'the server');
    const server = side(right, 'the caller');
    caller.channel.open();
    server.channel.open();
    server.handlers.add('never', (_data: unknown, _id: string, _reply: ReplyFunction<unknown>) => undefined, false);
    const waiting = Array.from({ length: 100_000 }, () =>
      caller.channel.request('never', undefined, { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => undefined),
    );
    const error = await failure(caller.channel.request('never', undefined));
    expect(error).toBeInstanceOf(QueueFullError);
    expect(String(error)).toContain('100000 requests wait already');
    caller.channel.end({ code: 0, signal: null });
    await Promise.all(waiting);
    expect(caller.channel.pendingCount).toBe(0);
  });
});

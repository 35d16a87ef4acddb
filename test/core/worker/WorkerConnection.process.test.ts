import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { RemoteError, WorkerExitedError, WorkerStartError } from '../../../src/core/errors.js';
import { IpcServer, PROTOCOL_VERSION } from '../../../src/core/ipc/IpcServer.js';
import { LocalHost } from '../../../src/core/worker/LocalHost.js';
import { WorkerConnection } from '../../../src/core/worker/WorkerConnection.js';
import type { WorkerConnectionOptions } from '../../../src/core/worker/WorkerConnectionOptions.js';
import type { TestContract } from '../../fixtures/workers/contract.js';
import { isAlive, rejection, silentLogger, until } from '../../support/processes.js';
import { fixture } from '../../support/runScript.js';

const open: WorkerConnection<TestContract>[] = [];
const closing: (() => Promise<void>)[] = [];

function connection(
  misbehaviour = '',
  options: WorkerConnectionOptions = {},
  entrypoint = fixture('workers/worker.js'),
): WorkerConnection<TestContract> {
  const worker = new WorkerConnection<TestContract>(7, entrypoint, silentLogger(), {
    drainTimeoutMs: 5_000,
    termTimeoutMs: 500,
    ...options,
    env: { TEST_MISBEHAVE: misbehaviour },
  });
  open.push(worker);
  return worker;
}

async function ready(
  misbehaviour?: string,
  options?: WorkerConnectionOptions,
): Promise<WorkerConnection<TestContract>> {
  const worker = connection(misbehaviour, options);
  await worker.connect(20_000);
  return worker;
}

afterEach(async () => {
  for (const worker of open.splice(0)) {
    await worker.kill();
    if (worker.pid !== undefined) expect(isAlive(worker.pid)).toBe(false);
  }
  for (const close of closing.splice(0)) await close();
});

describe('a spare', () => {
  const spare = async (misbehaviour?: string, options?: WorkerConnectionOptions) => {
    const server = new IpcServer();
    const folder = await mkdtemp(join(tmpdir(), 'kallisti-spare-'));
    await server.listen(join(folder, 's'));
    closing.push(async () => {
      await server.close();
      await rm(folder, { recursive: true });
    });
    const host = new LocalHost(server);
    return { host, worker: connection(misbehaviour, { ...options, host, isSpare: true }) };
  };

  it('waits, and calls back as the worker that it becomes when it is told which', async () => {
    const { host, worker } = await spare();
    await worker.connect(20_000);
    const { pid } = worker;
    expect(worker.description).toBe(`spare worker (pid ${pid})`);
    const said: string[] = [];
    const ready = new Promise<void>((resolve) => {
      void host
        .openLine((transport) =>
          transport.listen({
            message: (text) => {
              said.push(text);
              if (text.includes('"ready"')) resolve();
            },
            closed: () => undefined,
          }),
        )
        .then(({ secret }) => worker.send<object>('@assign', { id: 3, generation: 2, secret }));
    });
    await ready;
    const process = worker.surrender();
    expect(process?.identity.pid).toBe(pid);
    expect(worker.state).toBe('ended');
    expect(isAlive(pid ?? 0)).toBe(true);
    process?.signal('SIGKILL');
    expect(await process?.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('says why it cannot start, and is gone then', async () => {
    const { worker } = await spare('throw');
    expect(await rejection(worker.connect(20_000))).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringMatching(/^spare worker \(pid \d+\) failed to start: the database is down$/),
    });
    expect(isAlive(worker.pid ?? 0)).toBe(false);
  });

  it('ends when it is told to, without force', async () => {
    const { worker } = await spare();
    await worker.connect(20_000);
    expect(await worker.kill()).toMatchObject({ forced: 'no' });
  });

  it('gives signs of life while it waits', async () => {
    const { worker } = await spare();
    await worker.connect(20_000);
    const { heardAt } = worker;
    await until(() => worker.heardAt > heardAt);
    expect(worker.vitals?.rssBytes).toBeGreaterThan(0);
  });
});

describe('a worker', () => {
  it('is ready, answers, and is asked', async () => {
    const worker = await ready();
    expect(worker.state).toBe('ready');
    expect(await worker.request('echo', { a: [1, 'ü'] })).toEqual({ a: [1, 'ü'] });
    expect(await worker.request('pid', undefined)).toBe(worker.pid);
    worker.on('greet', (_worker, name) => `hello ${name}`);
    expect(await worker.request('askMaster', { name: 'greet', data: 'there' })).toBe('hello there');
  });

  it('reports what its handlers throw, with its own name on it', async () => {
    const worker = await ready();
    const error = await rejection(worker.request('throwError', { message: 'too much', code: 'E_MUCH' }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ message: 'too much', code: 'E_MUCH', remoteName: 'RangeError' });
    expect((error as RemoteError).origin).toBe(`worker 7 (pid ${worker.pid})`);
  });

  it('does not hand its secret on: the variable is gone from its environment', async () => {
    const worker = await ready();
    expect(await worker.request('environment', undefined)).toEqual([]);
  });

  it('rejects all requests under way at once when it dies, each naming worker, pid and signal', async () => {
    const worker = await ready();
    const requests = Array.from({ length: 100 }, () => rejection(worker.request('never', undefined)));
    await worker.request('echo', 0);
    const killedAt = performance.now();
    process.kill(worker.pid ?? 0, 'SIGKILL');
    const errors = await Promise.all(requests);
    // The bound is a fifth of the shortest timeout anything could mistake it for; the bench measures the real figure.
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    for (const error of errors) {
      expect(error).toBeInstanceOf(WorkerExitedError);
      expect(error.message).toBe(
        `request "never" to worker 7 (pid ${worker.pid}): worker 7 (pid ${worker.pid}) was killed by SIGKILL`,
      );
    }
    expect(await worker.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await rejection(worker.request('echo', 0))).toBeInstanceOf(WorkerExitedError);
    expect(() => worker.send('print', { lines: [] })).toThrow(WorkerExitedError);
  });

  it('has its last words heard before its end is known, also large ones', async () => {
    const worker = await ready();
    const heard: string[] = [];
    worker.on('lastWords', (_worker, words) => void heard.push(`${words.length}`));
    void worker.ended.then(() => heard.push('ended'));
    worker.send('exit', { code: 5, lastWords: 'x'.repeat(3_000_000) });
    expect(await worker.ended).toEqual({ code: 5, signal: null });
    expect(heard).toEqual(['3000000', 'ended']);
  });

  it('has its output logged with kind, id and pid, and its last 200 lines kept', async () => {
    const worker = await ready();
    worker.send('print', { lines: Array.from({ length: 300 }, (_, index) => `line ${index}`) });
    await until(() => worker.logLines.some((line) => line.includes('line 299')));
    expect(worker.logLines.length).toBe(200);
    expect(worker.logLines[0]).toMatch(/line 100/);
    const logged = (worker.logger as ReturnType<typeof silentLogger>).lines.map((line) => JSON.parse(line));
    expect(logged.find((line) => line.msg === 'line 42')).toMatchObject({ kind: 'worker', id: 7, pid: worker.pid });
  });

  it('stops by itself when its master was killed, whatever keeps its event loop open', async () => {
    // What is killed cannot remove the folder of its socket.
    const folder = await mkdtemp(join(tmpdir(), 'kallisti-test-'));
    const master = spawn(process.execPath, [fixture('workers/parent.js')], {
      env: { ...process.env, TEST_MISBEHAVE: 'open handle', TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(master.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    master.kill('SIGKILL');
    await until(() => !isAlive(pid));
    await rm(folder, { recursive: true });
  });
});

describe('a start that fails says how', () => {
  it('exit code', async () => {
    const worker = connection('crash');
    const error = await rejection(worker.connect(20_000));
    expect(error).toBeInstanceOf(WorkerStartError);
    expect(error).toMatchObject({ code: 'EXITED_BEFORE_READY' });
    expect(error.message).toMatch(/^worker 7 \(pid \d+\) exited with code 3 before it was ready\n.*\n.*about to crash/);
    expect(worker.state).toBe('ended');
  });

  it('signal', async () => {
    const error = await rejection(connection('signal').connect(20_000));
    expect(error).toMatchObject({ code: 'KILLED_BEFORE_READY' });
    expect(error.message).toMatch(/was killed by SIGKILL before it was ready\n.*\n.*about to be killed/);
  });

  it('ready timeout, and the process is gone when it rejects', async () => {
    const worker = connection('hang');
    const error = await rejection(worker.connect(1_000));
    expect(error).toMatchObject({ code: 'READY_TIMEOUT' });
    expect(error.message).toMatch(/was not ready within 1000 ms/);
    expect(isAlive(worker.pid ?? 0)).toBe(false);
  });

  it('its own error, by name', async () => {
    const error = await rejection(connection('throw').connect(20_000));
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { code: 'E_DATABASE', message: 'the database is down' },
    });
    expect(error.message).toMatch(/failed to start: the database is down/);
  });

  it('no such program', async () => {
    const error = await rejection(connection('', {}, '/nowhere/at/all.js').connect(20_000));
    expect(error).toMatchObject({ code: 'SPAWN_FAILED' });
    expect(error.message).toMatch(/there is no worker program .*all\.js/);
  });

  it('arguments that are too large for the system', async () => {
    const worker = connection('', { args: ['x'.repeat(300_000)] });
    const error = await rejection(worker.connect(20_000));
    expect(error).toMatchObject({ code: 'SPAWN_FAILED', message: expect.stringContaining('spawn E2BIG') });
    expect(worker.state).toBe('ended');
    expect(await worker.ended).toEqual({ code: null, signal: null });
  });

  it('no file descriptors left: its master lives on, leaves nothing behind, and its next start succeeds', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kallisti-test-'));
    const args = ['-c', 'ulimit -n 256; exec "$0" "$1"', process.execPath, fixture('workers/hoarder.js')];
    const master = spawn('sh', args, { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(master.stdout),
      text(master.stderr),
      once(master, 'exit') as Promise<[number | null]>,
    ]);
    expect(stderr).toBe('');
    const starts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; outcome: string; state: string; message: string });
    const failed = { outcome: 'SPAWN_FAILED', state: 'ended', message: expect.stringContaining('EMFILE') };
    expect(starts).toEqual([
      { what: 'no socket', ...failed },
      ...[0, 1, 2, 3, 4, 5].map((left) => ({ what: `${left} left`, ...failed })),
      { what: 'enough', outcome: 'ready', state: 'ready', message: '' },
    ]);
    expect(exitCode).toBe(0);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe('a stop', () => {
  it('is orderly: last words are heard, nothing was forced', async () => {
    const worker = await ready();
    let bytes = 0;
    worker.on('lastWords', (_worker, words) => {
      bytes = words.length;
    });
    expect(await worker.kill()).toEqual({ forced: 'no', exit: { code: 0, signal: null } });
    expect(bytes).toBe(2_000_000);
    expect(worker.state).toBe('ended');
  });

  it('ends a process that something keeps open', async () => {
    const worker = await ready('open handle');
    expect(await worker.kill()).toMatchObject({ forced: 'SIGTERM' });
  });

  it('kills a process that hangs and ignores SIGTERM', async () => {
    const worker = await ready('ignore SIGTERM', { drainTimeoutMs: 200, termTimeoutMs: 200 });
    worker.send('block', { ms: 60_000 });
    expect(await worker.kill()).toMatchObject({ forced: 'SIGKILL', exit: { code: null, signal: 'SIGKILL' } });
  });
});

describe('the socket', () => {
  it('lies in a folder of its user alone, and is gone with the last worker', async () => {
    const server = await IpcServer.acquireShared();
    const folder = dirname(server.path);
    const { mode } = await stat(folder);
    expect(mode & 0o777).toBe(0o700);
    await server.release();
    expect(existsSync(folder)).toBe(false);
  });

  it.each([
    ['a wrong secret', frame(JSON.stringify({ protocol: PROTOCOL_VERSION, secret: 'guess', pid: 1 }))],
    ['another protocol', frame(JSON.stringify({ protocol: PROTOCOL_VERSION + 1, secret: 'guess', pid: 1 }))],
    ['no hello', frame('GET / HTTP/1.1')],
    ['a hello that is too large', frame('x'.repeat(5_000))],
    ['random bytes', Buffer.from('485454502f312e3120343030', 'hex')],
  ])('cuts off a stranger: %s', async (_what, bytes) => {
    const server = await IpcServer.acquireShared();
    let admitted = false;
    server.expect(() => {
      admitted = true;
    });
    const socket = createConnection(server.path);
    socket.on('error', () => undefined);
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(admitted).toBe(false);
    await server.release();
  });

  it('admits a secret once', async () => {
    const server = await IpcServer.acquireShared();
    let admitted = 0;
    const { secret } = server.expect((transport) => {
      admitted++;
      transport.listen({ message: () => undefined, closed: () => undefined });
    });
    const hello = frame(JSON.stringify({ protocol: PROTOCOL_VERSION, secret, pid: 1 }));
    const first = createConnection(server.path);
    first.write(hello);
    await until(() => admitted === 1);
    const second = createConnection(server.path);
    second.on('error', () => undefined);
    second.write(hello);
    await new Promise((resolve) => second.once('close', resolve));
    expect(admitted).toBe(1);
    first.destroy();
    await server.release();
  });
});

function frame(text: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([header, Buffer.from(text)]);
}

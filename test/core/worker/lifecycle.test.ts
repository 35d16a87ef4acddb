import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type ExitReason, WorkerExitedError } from '../../../src/core/errors.js';
import { WorkerConnection, type WorkerState } from '../../../src/core/worker/WorkerConnection.js';
import type { WorkerRecord, WorkerRegistry } from '../../../src/core/worker/WorkerRegistry.js';
import { ManualClock } from '../../support/ManualClock.js';
import { type MemoryLogger, memoryLogger } from '../../support/memoryLogger.js';
import { rejection } from '../../support/processes.js';
import { FakeHost, type FakeProcess } from './FakeHost.js';

class Registry implements WorkerRegistry {
  public records: WorkerRecord[] = [];

  public add(record: WorkerRecord): void {
    this.records.push(record);
  }

  public remove(record: WorkerRecord): void {
    this.records = this.records.filter(({ identity }) => identity.pid !== record.identity.pid);
  }
}

/** A worker that may wait for something. */
class PatientConnection extends WorkerConnection {
  public waits = false;

  protected override isWaiting(): boolean {
    return this.waits;
  }
}

interface World {
  readonly host: FakeHost;
  readonly clock: ManualClock;
  readonly registry: Registry;
  readonly log: MemoryLogger;
  readonly worker: PatientConnection;
}

function world(): World {
  const [host, clock, registry, log] = [new FakeHost(), new ManualClock(), new Registry(), memoryLogger()];
  const worker = new PatientConnection(7, 'painter', log.logger, {
    host,
    clock,
    registry,
    args: ['--fast'],
    execArgv: ['--expose-gc'],
    env: { COLOUR: 'red' },
    drainTimeoutMs: 5_000,
    termTimeoutMs: 2_000,
  });
  return { host, clock, registry, log, worker };
}

/** A world whose worker has a process that has called back, and is not ready. */
async function starting(timeoutMs = 60_000): Promise<World & { process: FakeProcess; connecting: Promise<void> }> {
  const it = world();
  const connecting = it.worker.connect(timeoutMs);
  // Its rejection is looked at later, where there is one.
  connecting.catch(() => undefined);
  await settled();
  return { ...it, process: it.host.process.connect(), connecting };
}

/** A world whose worker is ready. */
async function ready(): Promise<World & { process: FakeProcess }> {
  const it = await starting();
  it.process.say('ready');
  await it.connecting;
  return it;
}

const RECORD: WorkerRecord = {
  id: 7,
  kind: 'painter',
  generation: 3,
  identity: { pid: 815, startedAt: 'earlier', pidNamespace: 'here' },
  secret: 'a secret of an earlier master',
};

/** A world whose worker is looked for, and has not called back. */
async function attaching(): Promise<World & { process: FakeProcess; attached: Promise<void> }> {
  const it = world();
  it.registry.add(RECORD);
  const attached = it.worker.attach(RECORD, 1_000);
  attached.catch(() => undefined);
  await settled();
  return { ...it, process: it.host.process, attached };
}

/** A message takes a turn of the event loop to leave, one to arrive, and one for what it sets off. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await nextTurn();
}

/** @returns what a promise has come to so far. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  await settled();
  return Promise.race([
    promise.catch((error: unknown) => error),
    new Promise((resolve) => setImmediate(() => resolve('pending'))),
  ]);
}

const exited = (code: number): ExitReason => ({ code, signal: null });
const killed = (signal: NodeJS.Signals): ExitReason => ({ code: null, signal });
const UNKNOWN: ExitReason = { code: null, signal: null };

/** Nothing of an ended worker is left behind. */
async function expectEnded({ worker, registry, clock, host }: World): Promise<void> {
  await settled();
  expect(worker.state).toBe('ended' satisfies WorkerState);
  expect(registry.records).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
  expect(host.process.released).toBe(1);
}

describe('a start', () => {
  it('is over when the worker says ready; until then it is starting', async () => {
    const { host, registry, worker, clock } = world();
    expect(worker.state).toBe('idle');
    expect(worker.description).toBe('painter 7');
    const connecting = worker.connect(60_000);
    expect(worker.state).toBe('starting');
    await settled();
    expect(worker).toMatchObject({ pid: 4711, description: 'painter 7 (pid 4711)' });
    host.process.connect();
    expect(await outcome(connecting)).toBe('pending');
    host.process.say('ready');
    await connecting;
    expect(worker.state).toBe('ready');
    expect(clock.pendingTimers).toBe(0);
    expect(host.process).toMatchObject({ signals: [], released: 0 });
    expect(registry.records).toEqual([
      { id: 7, kind: 'painter', generation: 1, identity: host.process.identity, secret: host.process.secret },
    ]);
  });

  it('tells the host what to run, and with what', async () => {
    const { host } = await ready();
    expect(host.launches).toEqual([
      {
        id: 7,
        kind: 'painter',
        generation: 1,
        entrypoint: 'painter',
        args: ['--fast'],
        execArgv: ['--expose-gc'],
        env: { COLOUR: 'red' },
      },
    ]);
  });

  it('fails where the host has no process', async () => {
    const { host, worker, registry } = world();
    host.failure = new Error('spawn E2BIG');
    expect(await rejection(worker.connect(60_000))).toMatchObject({
      code: 'SPAWN_FAILED',
      message: 'painter 7 could not be started: spawn E2BIG',
      cause: host.failure,
    });
    expect(worker.state).toBe('ended');
    expect(await worker.ended).toEqual(UNKNOWN);
    expect(await worker.kill()).toEqual({ forced: 'no', exit: UNKNOWN });
    expect(registry.records).toEqual([]);
  });

  it('fails where the process exits, with its last lines', async () => {
    const it = await starting();
    it.process.stderr.write('no such table\n');
    it.process.exit(exited(3));
    const error = await rejection(it.connecting);
    expect(error).toMatchObject({ code: 'EXITED_BEFORE_READY' });
    expect(error.message).toMatch(
      /^painter 7 \(pid 4711\) exited with code 3 before it was ready\n.*\n.*no such table/,
    );
    await expectEnded(it);
  });

  it('fails where the process exits before it has called back', async () => {
    const it = world();
    const failed = rejection(it.worker.connect(60_000));
    await settled();
    it.host.process.exit(exited(0));
    expect(await failed).toMatchObject({ code: 'EXITED_BEFORE_READY' });
    await expectEnded(it);
  });

  it('fails where a signal ends the process', async () => {
    const it = await starting();
    it.process.exit(killed('SIGKILL'));
    expect(await rejection(it.connecting)).toMatchObject({
      code: 'KILLED_BEFORE_READY',
      message: 'painter 7 (pid 4711) was killed by SIGKILL before it was ready',
    });
    await expectEnded(it);
  });

  it('fails where the worker says so, and ends it', async () => {
    const it = await starting();
    it.process.say('@failed', { name: 'Error', message: 'the database is down', code: 'E_DATABASE' });
    await settled();
    expect(it.process.heard).toEqual(['@stop']);
    it.process.exit(exited(1));
    expect(await rejection(it.connecting)).toMatchObject({
      code: 'START_FAILED',
      message: 'painter 7 (pid 4711) failed to start: the database is down',
      cause: { code: 'E_DATABASE', remoteName: 'Error' },
    });
    await expectEnded(it);
  });

  it('fails where the worker says in garbage that it failed', async () => {
    const it = await starting();
    it.process.say('@failed', [null]);
    await settled();
    it.process.exit(exited(1));
    expect(await rejection(it.connecting)).toMatchObject({ code: 'START_FAILED', message: /it did not say why/ });
  });

  it('fails at its timeout, and rejects when the process is gone', async () => {
    const it = await starting(60_000);
    it.process.survives.add('SIGTERM');
    await it.clock.advance(59_999);
    expect(it.process.heard).toEqual([]);
    await it.clock.advance(1);
    await settled();
    expect(it.process.heard).toEqual(['@stop']);
    // Of its drain only a second is left.
    await it.clock.advance(999);
    expect(it.process.signals).toEqual([]);
    await it.clock.advance(1);
    expect(it.process.signals).toEqual(['SIGTERM']);
    expect(await outcome(it.connecting)).toBe('pending');
    await it.clock.advance(2_000);
    expect(it.process.signals).toEqual(['SIGTERM', 'SIGKILL']);
    await it.clock.advance(300);
    expect(await outcome(it.connecting)).toMatchObject({
      code: 'READY_TIMEOUT',
      message: 'painter 7 (pid 4711) was not ready within 60000 ms',
    });
    await expectEnded(it);
  });

  it('has its time anew for as long as it waits for something', async () => {
    const it = await starting(60_000);
    it.worker.waits = true;
    await it.clock.advance(600_000);
    it.worker.waits = false;
    await it.clock.advance(59_999);
    expect(it.process.heard).toEqual([]);
    it.process.say('ready');
    await it.connecting;
    expect(it.worker.state).toBe('ready');
    expect(it.clock.pendingTimers).toBe(0);
  });

  it('is not tried twice, and not after a take-over', async () => {
    const it = await ready();
    for (const again of [it.worker.connect(1), it.worker.attach(RECORD, 1)]) {
      expect((await rejection(again)).message).toBe('painter 7 (pid 4711) was connected before');
    }
    expect(it.host.processCount).toBe(1);
    expect(it.worker).toMatchObject({ state: 'ready', generation: 1 });
  });
});

describe('a stop', () => {
  it('asks the worker, which finishes and exits: nothing is forced', async () => {
    const it = await ready();
    const stopping = it.worker.kill();
    expect(it.worker.state).toBe('stopping');
    await settled();
    expect(it.process.heard).toEqual(['@stop']);
    await it.clock.advance(4_999);
    it.process.say('@stopped');
    await settled();
    await it.clock.advance(499);
    it.process.exit(exited(0));
    expect(await stopping).toEqual({ forced: 'no', exit: exited(0) });
    expect(it.process.signals).toEqual([]);
    await expectEnded(it);
    expect(it.log.warnings()).toEqual([]);
  });

  it('takes a closed connection for finished', async () => {
    const it = await ready();
    const stopping = it.worker.kill();
    await it.process.disconnect();
    await settled();
    it.process.exit(exited(0));
    expect(await stopping).toEqual({ forced: 'no', exit: exited(0) });
    await expectEnded(it);
  });

  it('sends SIGTERM to a process that lives on half a second after the worker has finished', async () => {
    const it = await ready();
    const stopping = it.worker.kill();
    it.process.say('@stopped');
    await settled();
    await it.clock.advance(499);
    expect(it.process.signals).toEqual([]);
    await it.clock.advance(1);
    expect(await stopping).toEqual({ forced: 'SIGTERM', exit: killed('SIGTERM') });
    await expectEnded(it);
  });

  it('sends SIGTERM to a worker that does not finish within its drain deadline', async () => {
    const it = await ready();
    const stopping = it.worker.kill();
    await it.clock.advance(4_999);
    expect(it.process.signals).toEqual([]);
    await it.clock.advance(1);
    expect(await stopping).toEqual({ forced: 'SIGTERM', exit: killed('SIGTERM') });
    expect(it.log.warnings()).toEqual(['a worker did not stop within 5000 ms, terminating it']);
    await expectEnded(it);
  });

  it('sends SIGKILL to a process that survives SIGTERM', async () => {
    const it = await ready();
    it.process.survives.add('SIGTERM');
    const stopping = it.worker.kill();
    await it.clock.advance(6_999);
    expect(it.process.signals).toEqual(['SIGTERM']);
    await it.clock.advance(1);
    expect(await stopping).toEqual({ forced: 'SIGKILL', exit: killed('SIGKILL') });
    expect(it.log.warnings()).toContain('SIGTERM did not end a worker within 2000 ms, killing it');
    await expectEnded(it);
  });

  it('fails where SIGKILL does not help, and still learns of the end', async () => {
    const it = await ready();
    it.process.survives.add('SIGTERM').add('SIGKILL');
    const failed = rejection(it.worker.kill());
    await it.clock.advance(7_000 + 9_999);
    expect(it.process.signals).toEqual(['SIGTERM', 'SIGKILL']);
    await it.clock.advance(1);
    expect(await failed).toMatchObject({
      code: 'KILL_FAILED',
      message: 'painter 7 (pid 4711) could not be killed',
    });
    expect(it.worker.state).toBe('stopping');
    expect(it.registry.records).toHaveLength(1);
    it.process.exit(killed('SIGKILL'));
    expect(await it.worker.ended).toEqual(killed('SIGKILL'));
    await expectEnded(it);
  });

  it('goes on to SIGTERM where the worker reads nothing, and its queue has no room for the request', async () => {
    const it = world();
    it.worker.connect(60_000).catch(() => undefined);
    await settled();
    const process = it.host.process.connect({ limits: { maxMessageBytes: 1_000, maxQueueBytes: 100 } });
    process.say('ready');
    await settled();
    it.worker.send('greet', 'x'.repeat(70));
    const stopping = it.worker.kill();
    expect(await stopping).toEqual({ forced: 'SIGTERM', exit: killed('SIGTERM') });
    expect(it.log.warnings()).toEqual(['a worker could not be asked to stop, terminating it']);
    await expectEnded(it);
  });

  it('of a worker without a connection begins with SIGTERM', async () => {
    const it = world();
    const failed = rejection(it.worker.connect(60_000));
    await settled();
    const stopping = it.worker.kill();
    await it.clock.advance(1);
    expect(await stopping).toEqual({ forced: 'SIGTERM', exit: killed('SIGTERM') });
    expect(await failed).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
    await expectEnded(it);
  });

  it('of a worker that starts fails its start', async () => {
    const it = await starting();
    const stopping = it.worker.kill();
    await settled();
    it.process.say('@stopped');
    it.process.exit(exited(0));
    expect(await stopping).toEqual({ forced: 'no', exit: exited(0) });
    expect(await rejection(it.connecting)).toMatchObject({
      code: 'STOPPED_BEFORE_READY',
      message: 'painter 7 (pid 4711) was told to stop before it was ready',
    });
    await expectEnded(it);
  });

  it('while the host still makes the process waits for it, and leaves none behind', async () => {
    const it = world();
    let mayWork = (): void => undefined;
    it.host.mayWork = new Promise((resolve) => {
      mayWork = resolve;
    });
    const failed = rejection(it.worker.connect(60_000));
    const stopping = it.worker.kill();
    expect(await outcome(stopping)).toBe('pending');
    mayWork();
    await settled();
    await it.clock.advance(1);
    expect(await stopping).toEqual({ forced: 'SIGTERM', exit: killed('SIGTERM') });
    expect(it.host.process.signals).toEqual(['SIGTERM']);
    expect(await failed).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
    await expectEnded(it);
  });

  it('while the host makes a process and fails is over with that', async () => {
    const it = world();
    it.host.failure = new Error('EMFILE');
    const failed = rejection(it.worker.connect(60_000));
    expect(await it.worker.kill()).toEqual({ forced: 'no', exit: UNKNOWN });
    expect(await failed).toMatchObject({ code: 'SPAWN_FAILED' });
    expect(it.worker.state).toBe('ended');
  });

  it('of a worker that dies meanwhile says how it died', async () => {
    const it = await ready();
    const stopping = it.worker.kill();
    await settled();
    it.process.exit(exited(9));
    expect(await stopping).toEqual({ forced: 'no', exit: exited(9) });
    await expectEnded(it);
  });

  it('is joined by a second call, and does nothing afterwards', async () => {
    const it = await ready();
    const stopping = it.worker.kill();
    expect(it.worker.kill()).toBe(stopping);
    await settled();
    it.process.exit(exited(0));
    await stopping;
    expect(await it.worker.kill()).toEqual(await stopping);
    expect(it.process).toMatchObject({ heard: ['@stop'], signals: [] });
  });

  it('of one that never started ends it, so that it cannot be started any more', async () => {
    const { worker, host } = world();
    expect(await worker.kill()).toEqual({ forced: 'no', exit: UNKNOWN });
    expect(worker.state).toBe('ended');
    await rejection(worker.connect(1));
    expect(host.launches).toEqual([]);
  });
});

describe('an end that nobody asked for', () => {
  it('rejects what is under way, after the last words were heard', async () => {
    const it = await ready();
    const order: string[] = [];
    it.worker.on('words', (_worker, words) => void order.push(String(words)));
    const request = rejection(it.worker.request('never', undefined)).then((error) => {
      order.push('rejected');
      return error;
    });
    void it.worker.ended.then(() => order.push('ended'));
    it.process.say('words', 'farewell');
    it.process.exit(killed('SIGSEGV'));
    const error = await request;
    expect(error).toBeInstanceOf(WorkerExitedError);
    expect(error.message).toMatch(/painter 7 \(pid 4711\) was killed by SIGSEGV$/);
    await settled();
    expect(order).toEqual(['farewell', expect.any(String), expect.any(String)]);
    expect(() => it.worker.send('words', '')).toThrow(WorkerExitedError);
    await expectEnded(it);
  });

  it('is known after 50 ms, though something holds the dead process’s connection and output open', async () => {
    const it = await ready();
    it.process.exit(exited(1), { holds: true });
    await it.clock.advance(49);
    expect(it.worker.state).toBe('ready');
    await it.clock.advance(1);
    expect(await it.worker.ended).toEqual(exited(1));
    expect(it.process.stdout.destroyed).toBe(false);
    await it.clock.advance(300);
    await settled();
    expect(it.process).toMatchObject({ stdout: { destroyed: true }, stderr: { destroyed: true } });
    await expectEnded(it);
  });

  it('is what `terminate` brings about, without a question', async () => {
    const it = await ready();
    expect(await it.worker.terminate()).toEqual(killed('SIGKILL'));
    expect(it.process).toMatchObject({ heard: [], signals: ['SIGKILL'] });
    expect(await it.worker.terminate()).toEqual(killed('SIGKILL'));
    expect(it.process.signals).toEqual(['SIGKILL']);
    await expectEnded(it);
  });
});

describe('a connection that is lost', () => {
  it('costs a process that lives on a second later its life', async () => {
    const it = await ready();
    await it.process.disconnect();
    await it.clock.advance(999);
    expect(it.process.signals).toEqual([]);
    await it.clock.advance(1);
    expect(await it.worker.ended).toEqual(killed('SIGKILL'));
    expect(it.log.warnings()).toEqual(['the connection to a worker broke, killing it']);
    await expectEnded(it);
  });

  it('is no more than the end of a process that ends within that second', async () => {
    const it = await ready();
    await it.process.disconnect();
    await it.clock.advance(999);
    it.process.exit(exited(0));
    expect(await it.worker.ended).toEqual(exited(0));
    await it.clock.advance(10_000);
    expect(it.process.signals).toEqual([]);
    expect(it.log.warnings()).toEqual([]);
    await expectEnded(it);
  });

  it('fails a start, too', async () => {
    const it = await starting();
    await it.process.disconnect();
    await it.clock.advance(1_000);
    expect(await rejection(it.connecting)).toMatchObject({ code: 'KILLED_BEFORE_READY' });
    await expectEnded(it);
  });
});

describe('what a worker says of itself', () => {
  it('is known with the time of it', async () => {
    const it = await ready();
    expect(it.worker.vitals).toBeUndefined();
    const before = it.worker.heardAt;
    await it.clock.advance(2_000);
    expect(it.worker.heardAt).toBe(before);
    const vitals = { lagMs: 3, rssBytes: 4, heapUsedBytes: 5, heapLimitBytes: 6 };
    it.process.say('@alive', vitals);
    await settled();
    expect(it.worker).toMatchObject({ vitals, heardAt: before + 2_000 });
  });

  it('is logged and kept, whether it comes by its output or by its connection', async () => {
    const it = await ready();
    it.process.stdout.write('to stdout\n');
    it.process.stderr.write('to stderr\n');
    it.process.say('@logged', { line: 'by the connection' });
    await settled();
    const lines = ['to stdout', 'to stderr', 'by the connection'];
    for (const line of lines) {
      expect(it.log.lines).toContainEqual(expect.objectContaining({ msg: line, kind: 'painter', id: 7, pid: 4711 }));
      expect(it.worker.logLines).toContainEqual(expect.stringContaining(line));
    }
  });
});

describe('giving the process away', () => {
  it('leaves it running, with its output, to whoever has it then', async () => {
    const it = await ready();
    const pending = it.worker.request('never', undefined).catch((error: unknown) => error);
    const given = it.worker.surrender();
    expect(given).toBe(it.process);
    await expectEnded(it);
    expect(await pending).toMatchObject({ code: 'WORKER_EXITED' });
    it.process.stdout.write('after that\n');
    await settled();
    expect(it.worker.logLines).toEqual([]);
    const read: string[] = [];
    given?.stdout?.on('data', (chunk: Buffer) => read.push(String(chunk))).resume();
    await settled();
    expect(read).toEqual(['after that\n']);
    expect(it.process.signals).toEqual([]);
    it.process.exit(exited(0));
    await settled();
    expect(it.log.warnings()).toEqual([]);
  });

  it('is refused once it has ended, or is told to', async () => {
    const dead = await ready();
    dead.process.exit(killed('SIGKILL'));
    await dead.worker.ended;
    expect(dead.worker.surrender()).toBeUndefined();
    const stopping = await ready();
    const stopped = stopping.worker.kill();
    expect(stopping.worker.surrender()).toBeUndefined();
    stopping.process.exit(exited(0));
    await stopped;
    await expectEnded(stopping);
  });
});

describe('letting go', () => {
  it('leaves process and record to the next master, and ends what is under way here', async () => {
    const it = await ready();
    const request = rejection(it.worker.request('never', undefined));
    it.worker.detach();
    expect(it.worker.state).toBe('ended');
    expect(await request).toBeInstanceOf(WorkerExitedError);
    expect(await it.worker.ended).toEqual(UNKNOWN);
    expect(await it.worker.kill()).toEqual({ forced: 'no', exit: UNKNOWN });
    it.worker.detach();
    await settled();
    expect(it.process).toMatchObject({ signals: [], heard: [], released: 1 });
    expect(it.registry.records).toHaveLength(1);
    expect(it.clock.pendingTimers).toBe(0);
  });

  it('is not undone by what becomes of the process', async () => {
    const it = await ready();
    it.worker.detach();
    it.process.exit(exited(0));
    await it.clock.advance(10_000);
    expect(it.registry.records).toHaveLength(1);
    expect(it.process.released).toBe(1);
  });

  it('of one that starts fails its start and leaves the process alone', async () => {
    const it = await starting();
    it.worker.detach();
    expect(await rejection(it.connecting)).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
    expect(it.process).toMatchObject({ signals: [], released: 1 });
    expect(it.clock.pendingTimers).toBe(0);
  });

  it('while the host makes the process ends that: no master would ever know of it', async () => {
    const it = world();
    const failed = rejection(it.worker.connect(60_000));
    it.worker.detach();
    expect(await failed).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
    expect(it.host.process).toMatchObject({ signals: ['SIGKILL'], released: 1 });
    expect(it.registry.records).toEqual([]);
  });
});

describe('taking over', () => {
  it('has a worker that comes back ready', async () => {
    const it = await attaching();
    expect(it.worker).toMatchObject({ state: 'starting', generation: 3, pid: 815 });
    it.process.connect({ wasReady: true });
    await it.attached;
    expect(it.worker.state).toBe('ready');
    it.worker.send('greet', 'hello');
    await settled();
    expect(it.process).toMatchObject({ heard: ['greet'], released: 0 });
    expect(it.registry.records).toEqual([RECORD]);
    it.process.exit(UNKNOWN);
    expect(await it.worker.ended).toEqual(UNKNOWN);
    await expectEnded(it);
  });

  it('fails where the worker does not come back in time, which a stop then ends', async () => {
    const it = await attaching();
    await it.clock.advance(1_000);
    expect(await rejection(it.attached)).toMatchObject({
      code: 'READY_TIMEOUT',
      message: 'painter 7 (pid 815) did not come back within 1000 ms',
    });
    expect(it.process.signals).toEqual([]);
    const stopping = it.worker.kill();
    await it.clock.advance(1);
    expect(await stopping).toEqual({ forced: 'SIGTERM', exit: killed('SIGTERM') });
    await expectEnded(it);
  });

  it('fails where the worker had not been ready', async () => {
    const it = await attaching();
    it.process.connect({ wasReady: false });
    expect(await rejection(it.attached)).toMatchObject({
      code: 'EXITED_BEFORE_READY',
      message: 'painter 7 (pid 815) had not been ready before',
    });
    expect(it.process.signals).toEqual([]);
  });

  it('fails where the process has ended', async () => {
    const it = await attaching();
    it.process.exit(UNKNOWN);
    expect(await rejection(it.attached)).toMatchObject({
      code: 'EXITED_BEFORE_READY',
      message: 'painter 7 (pid 815) ended before it came back',
    });
    await expectEnded(it);
  });

  it('fails where the host cannot let the worker call back', async () => {
    const { worker, host } = world();
    host.failure = new Error('EMFILE');
    expect(await rejection(worker.attach(RECORD, 1_000))).toMatchObject({ code: 'SPAWN_FAILED', cause: host.failure });
    expect(worker.state).toBe('ended');
  });

  it('is given up by a stop, also where the worker comes back meanwhile', async () => {
    const it = await attaching();
    it.process.survives.add('SIGTERM');
    const stopping = it.worker.kill();
    it.process.connect({ wasReady: true });
    expect(await rejection(it.attached)).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
    expect(it.worker.state).toBe('stopping');
    await it.clock.advance(1 + 2_000);
    expect(await stopping).toEqual({ forced: 'SIGKILL', exit: killed('SIGKILL') });
    await expectEnded(it);
  });

  it('is given up by letting go', async () => {
    const it = await attaching();
    it.worker.detach();
    expect(await rejection(it.attached)).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
    expect(it.process).toMatchObject({ signals: [], released: 1 });
    expect(it.registry.records).toEqual([RECORD]);
  });
});

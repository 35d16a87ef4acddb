import { afterEach, describe, expect, it } from 'vitest';
import { WorkerNotFoundError } from '../../../src/core/errors.js';
import { TRANSPORT_LIMITS } from '../../../src/core/ipc/Transport.js';
import { WorkerPoolEventService } from '../../../src/core/services/WorkerPoolEventService.js';
import { WorkerConnection } from '../../../src/core/worker/WorkerConnection.js';
import { WorkerPool } from '../../../src/core/worker/WorkerPool.js';
import type { TestContract } from '../../fixtures/workers/contract.js';
import { isAlive, rejection, silentLogger, until } from '../../support/processes.js';
import { fixture } from '../../support/runScript.js';

class TestConnection extends WorkerConnection<TestContract> {}

class TestPool extends WorkerPool<TestConnection> {
  public readonly log: string[] = [];
  /** How the next workers misbehave, by id. */
  public readonly misbehaviour = new Map<number, string>();

  public constructor(workerCount: number) {
    super('tester', workerCount, 20_000, silentLogger());
    for (const event of ['spawningworker', 'spawnedworker', 'killingworker', 'killedworker'] as const) {
      this.on(event, (worker) => this.log.push(`${event} ${worker.id}.${worker.generation}`));
    }
    this.on('workerexited', (worker, exit) => this.log.push(`workerexited ${worker.id} ${exit.signal ?? exit.code}`));
  }

  protected override createWorker(id: number): TestConnection {
    return new TestConnection(id, fixture('workers/worker.js'), this.logger, {
      env: { TEST_MISBEHAVE: this.misbehaviour.get(id) ?? '' },
      drainTimeoutMs: 2_000,
      termTimeoutMs: 500,
    });
  }
}

const pools: TestPool[] = [];
function pool(workerCount: number): TestPool {
  const made = new TestPool(workerCount);
  pools.push(made);
  return made;
}

afterEach(async () => {
  for (const made of pools.splice(0)) {
    const pids = made.alive.map((worker) => worker.pid ?? 0);
    await made.killAll();
    expect(made.alive).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
  }
});

describe('a pool', () => {
  it('spawns all, finds, iterates in order, and stops all', async () => {
    const workers = pool(3);
    expect(() => workers.get(1)).toThrow(/tester 1 has not been spawned/);
    await workers.spawnAll();
    expect([...workers].map(({ id }) => id)).toEqual([0, 1, 2]);
    const seen: number[] = [];
    workers.forEach((worker, id) => void seen.push(worker.id, id));
    expect(seen).toEqual([0, 0, 1, 1, 2, 2]);
    expect(await workers.get(2).request('echo', 'x')).toBe('x');
    expect(() => workers.get(3)).toThrow(/tester 3 does not exist: ids run from 0 to 2/);
    expect(workers.tryGet(3)).toBeUndefined();
    await workers.killAll();
    expect([...workers]).toEqual([]);
    expect(() => workers.get(0)).toThrow(WorkerNotFoundError);
  });

  it('serves with the old worker until the new one is ready', async () => {
    const workers = pool(1);
    const old = await workers.spawn(0);
    const replacing = workers.spawn(0);
    // Every request of the whole replacement is answered, whichever of the two does it.
    let replaced = false;
    void replacing.then(() => {
      replaced = true;
    });
    const pids = new Set<number>();
    while (!replaced) pids.add(await workers.get(0).request('pid', undefined));
    const next = await replacing;
    expect(pids).toContain(old.pid);
    expect(workers.get(0)).toBe(next);
    expect(next.generation).toBe(2);
    expect(isAlive(old.pid ?? 0)).toBe(false);
    expect(workers.log).toEqual([
      'spawningworker 0.1',
      'spawnedworker 0.1',
      'spawningworker 0.2',
      'spawnedworker 0.2',
      'killingworker 0.1',
      'killedworker 0.1',
    ]);
  });

  it('leaves the old worker serving when its replacement fails', async () => {
    const workers = pool(1);
    const old = await workers.spawn(0);
    for (const misbehaviour of ['crash', 'signal', 'throw']) {
      workers.misbehaviour.set(0, misbehaviour);
      await rejection(workers.spawn(0));
      expect(workers.get(0)).toBe(old);
      expect(await old.request('echo', misbehaviour)).toBe(misbehaviour);
    }
    expect(workers.alive).toEqual([old]);
  });

  it('spawns anew, and joins nothing, when the new worker dies while the old one still drains', async () => {
    const workers = pool(1);
    workers.misbehaviour.set(0, 'slow stop');
    const old = await workers.spawn(0);
    workers.misbehaviour.delete(0);
    const replacing = workers.spawn(0);
    const again = new Promise<TestConnection>((resolve, reject) => {
      workers.once('workerexited', () => void workers.spawn(0).then(resolve, reject));
    });
    await until(() => workers.tryGet(0)?.generation === 2);
    expect(old.state).not.toBe('ended');
    process.kill(workers.get(0).pid ?? 0, 'SIGKILL');
    const third = await again;
    expect(third.generation).toBe(3);
    expect(await workers.get(0).request('pid', undefined)).toBe(third.pid);
    await replacing;
    expect(isAlive(old.pid ?? 0)).toBe(false);
  });

  it('joins a second spawn of the same id', async () => {
    const workers = pool(1);
    const [first, second] = await Promise.all([workers.spawn(0), workers.spawn(0)]);
    expect(first).toBe(second);
    expect(workers.alive.length).toBe(1);
  });

  it('says that a worker crashed, and why it is missing afterwards', async () => {
    const workers = pool(2);
    await workers.spawnAll();
    process.kill(workers.get(1).pid ?? 0, 'SIGKILL');
    await until(() => workers.tryGet(1) === undefined);
    expect(() => workers.get(1)).toThrow(/tester 1 is not running: it was killed by SIGKILL/);
    expect(workers.log.slice(-2)).toEqual(['workerexited 1 SIGKILL', 'killedworker 1.1']);
    await workers.spawn(1);
    expect(workers.get(1).generation).toBe(2);
  });

  it('stops a worker that is still starting', async () => {
    const workers = pool(1);
    workers.misbehaviour.set(0, 'never ready');
    const failed = rejection(workers.spawn(0));
    await until(() => workers.alive.some((worker) => worker.pid !== undefined));
    await workers.killAll();
    expect(await failed).toMatchObject({ code: 'STOPPED_BEFORE_READY' });
  });

  it('reports the first failure of spawnAll and keeps the workers that are ready', async () => {
    const workers = pool(3);
    workers.misbehaviour.set(1, 'crash');
    expect(await rejection(workers.spawnAll())).toMatchObject({ code: 'EXITED_BEFORE_READY' });
    expect([...workers].map(({ id }) => id)).toEqual([0, 2]);
  });
});

describe('requestAll', () => {
  it('gives one outcome per worker, whatever becomes of each', async () => {
    const workers = pool(3);
    await workers.spawnAll();
    workers.get(1).send('exit', { code: 4 });
    workers.get(2).send('block', { ms: 3_000 });
    const outcomes = await workers.requestAll('pid', undefined, { timeoutMs: 500 });
    expect(outcomes).toMatchObject([
      { workerId: 0, status: 'fulfilled', value: workers.get(0).pid },
      { workerId: 1, status: 'rejected', reason: { code: 'WORKER_EXITED', exit: { code: 4 } } },
      { workerId: 2, status: 'rejected', reason: { code: 'REQUEST_TIMEOUT' } },
    ]);
  });
});

class GreetService extends WorkerPoolEventService<TestConnection, 'greet'> {
  public constructor(workers: TestPool) {
    super(workers, 'greet');
  }

  protected override execute(worker: TestConnection, name: string): string {
    if (name === '') throw new Error('who?');
    return `hello ${name}, worker ${worker.id}`;
  }
}

class LastWordsService extends WorkerPoolEventService<TestConnection, 'lastWords'> {
  public bytes = 0;

  protected override execute(_worker: TestConnection, words: string): undefined {
    this.bytes += words.length;
  }
}

describe('WorkerPoolEventService', () => {
  it('serves the workers that run and those to come, until it is stopped', async () => {
    const workers = pool(2);
    await workers.spawn(0);
    const service = new GreetService(workers);
    service.start();
    service.start();
    await workers.spawn(1);
    const ask = (id: number, data: string) => workers.get(id).request('askMaster', { name: 'greet', data });
    expect(await ask(0, 'a')).toBe('hello a, worker 0');
    expect(await ask(1, 'b')).toBe('hello b, worker 1');
    expect((await rejection(ask(0, ''))).message).toBe('who?');
    service.stop();
    expect(await rejection(ask(0, 'a'))).toMatchObject({ code: 'NO_HANDLER' });
    expect(workers.listenerCount('spawningworker')).toBe(1);
    expect(workers.listenerCount('killedworker')).toBe(1);
  });

  it('hears the last words of a worker that stops', async () => {
    const workers = pool(1);
    const service = new LastWordsService(workers, 'lastWords');
    service.start();
    await workers.spawn(0);
    await workers.kill(0);
    expect(service.bytes).toBe(2_000_000);
    service.stop();
  });
});

describe('a worker that does not read', () => {
  it('fills no memory, is refused more in words, and takes nothing from the others', { timeout: 60_000 }, async () => {
    const workers = pool(2);
    await workers.spawnAll();
    const stopped = workers.get(0);
    process.kill(stopped.pid ?? 0, 'SIGSTOP');
    const before = process.memoryUsage().rss;
    const payload = 'x'.repeat(1024 * 1024);
    const codes: string[] = [];
    // 1 GiB in all, of which so much may wait.
    const room = TRANSPORT_LIMITS.maxQueueBytes / payload.length;
    const storm = Array.from({ length: 1_024 }, () =>
      stopped
        .request('echo', payload, { timeoutMs: 60_000 })
        .catch((error: { code: string }) => codes.push(error.code)),
    );
    await until(() => codes.length >= 1_024 - room);
    expect(new Set(codes)).toEqual(new Set(['QUEUE_FULL']));
    expect(() => stopped.send('print', { lines: [payload] })).toThrow(/reads too slowly/);
    expect(await workers.get(1).request('echo', 'still here')).toBe('still here');
    expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1024 * 1024);
    // It reads again: what waited is answered.
    process.kill(stopped.pid ?? 0, 'SIGCONT');
    await Promise.all(storm);
    expect(codes.length).toBeLessThan(1_024 - 0.8 * room);
    expect(await stopped.request('echo', 'and here')).toBe('and here');
  });
});

import { createLogger, type Logger, WorkerConnection, WorkerPool } from 'kallisti';
import type { Contender } from './Contender.js';
import type { EchoContract } from './EchoContract.js';

const PROGRAM = new URL('programs/echoWorker.js', import.meta.url);

export class EchoConnection extends WorkerConnection<EchoContract> {
  public constructor(id: number, logger: Logger) {
    super(id, PROGRAM, logger);
  }
}

export class EchoPool extends WorkerPool<EchoConnection> {
  public constructor(count: number) {
    super('echo worker', count, 120_000, createLogger({ level: 'warn' }));
  }

  protected override createWorker(id: number): EchoConnection {
    return new EchoConnection(id, this.logger);
  }
}

/** The public interface as a user has it: `request` with its promise, timeout and errors, and `requestAll`. */
export class Ours implements Contender {
  readonly #pool: EchoPool;

  private constructor(pool: EchoPool) {
    this.#pool = pool;
  }

  public static async start(count: number): Promise<Ours> {
    const pool = new EchoPool(count);
    await pool.spawnAll();
    return new Ours(pool);
  }

  public async pingPong(payload: unknown, inFlight: number, count: number): Promise<number> {
    const worker = this.#pool.get(0);
    const start = performance.now();
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < count) {
        sent++;
        await worker.request('echo', payload);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return performance.now() - start;
  }

  public async broadcast(payload: unknown, count: number): Promise<number> {
    const start = performance.now();
    for (let round = 0; round < count; round++) {
      const results = await this.#pool.requestAll('echo', payload);
      if (results.some((result) => result.status === 'rejected')) throw new Error('a worker did not answer');
    }
    return performance.now() - start;
  }

  public stop(): Promise<void> {
    return this.#pool.killAll();
  }
}

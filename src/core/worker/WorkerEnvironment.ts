import type { Assignment } from './controlMessages.js';

/** What a `WorkerConnection` tells the process that it spawns, in one environment variable. */
export interface WorkerEnvironment {
  readonly id: number;
  /** Name of the entry point: the worker's kind. */
  readonly kind: string;
  /** Which life of this id it is, from 1. */
  readonly generation: number;
  readonly socketPath: string;
  readonly secret: string;
  /** The process is a spare: nobody knows yet which worker it becomes, so id and generation say nothing. */
  readonly isSpare?: boolean;
}

export const WORKER_ENVIRONMENT_VARIABLE = 'KALLISTI_WORKER';

let cached: WorkerEnvironment | undefined;

/**
 * The first call removes the variable from `process.env`: it holds the secret of the connection, which neither a child of the
 * worker nor an `eval` needs to see.
 *
 * @returns what the master has told this process.
 * @throws Error where the process was not spawned by a `WorkerConnection`.
 */
export function workerEnvironment(): WorkerEnvironment {
  if (cached !== undefined) return cached;
  const text = process.env[WORKER_ENVIRONMENT_VARIABLE];
  if (text === undefined) {
    throw new Error('this program is a worker and cannot run by itself: a WorkerConnection must start it');
  }
  delete process.env[WORKER_ENVIRONMENT_VARIABLE];
  cached = JSON.parse(text) as WorkerEnvironment;
  return cached;
}

/** Whether this process is a spare that has not become a worker yet. False where no `WorkerConnection` has spawned it. */
export function isSpare(): boolean {
  return cached !== undefined || process.env[WORKER_ENVIRONMENT_VARIABLE] !== undefined
    ? workerEnvironment().isSpare === true
    : false;
}

/** The process is no spare any more. */
export function becomeWorker({ id, generation, secret }: Assignment): void {
  const { kind, socketPath } = workerEnvironment();
  cached = { id, kind, generation, socketPath, secret };
}

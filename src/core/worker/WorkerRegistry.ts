import type { ProcessIdentity } from '../files/processIdentity.js';

/** What a later master needs in order to take a running worker over. */
export interface WorkerRecord {
  readonly id: number;
  readonly kind: string;
  readonly generation: number;
  readonly identity: ProcessIdentity;
  /** The secret of its connection. Whoever knows it can take the worker's place, so it must be kept like a password. */
  readonly secret: string;
}

/** Notes which workers run. */
export interface WorkerRegistry {
  add(record: WorkerRecord): void;
  remove(record: WorkerRecord): void;
}

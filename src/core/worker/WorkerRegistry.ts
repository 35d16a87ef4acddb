import type { ProcessIdentity } from '../files/processIdentity.js';

/** What a later master needs to know of a running worker, to take it over. */
export interface WorkerRecord {
  readonly id: number;
  readonly kind: string;
  readonly generation: number;
  readonly identity: ProcessIdentity;
  /** The secret of its connection: whoever knows it can take its place, so it is kept as secret as the socket. */
  readonly secret: string;
}

/** Where connections note which workers run. */
export interface WorkerRegistry {
  add(record: WorkerRecord): void;
  remove(record: WorkerRecord): void;
}

import type { Request } from 'kallisti';

/** Taken when nothing is under way. */
export interface ProcessState {
  readonly rssBytes: number;
  /** What keeps the process's event loop busy, by kind and number. */
  readonly resources: Readonly<Record<string, number>>;
}

export type EchoContract = {
  toWorker: {
    echo: Request<unknown, unknown>;
    /** Never answered. */
    hang: Request<undefined, undefined>;
    /** After a garbage collection. */
    getState: Request<undefined, ProcessState>;
  };
  toMaster: Record<never, never>;
};

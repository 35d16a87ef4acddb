import type { ProcessEnd } from '../../core/contracts/ClusterContract.js';
import { describeExit, type ExitReason } from '../../core/errors.js';
import { BaseService } from '../../core/services/BaseService.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { ranOutOfMemory, type SupervisedCluster } from './Supervisor.js';

/** How many ends are remembered, of all clusters together. */
const KEPT = 200;
/** Signals by which somebody else ends a process. Of any other signal it died by its own fault. */
const FROM_OUTSIDE: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/**
 * Remembers how the processes of the clusters ended since the master started. A successor asks for it, to know which work it must
 * not run again.
 */
export class ProcessEnds extends BaseService {
  readonly #clusters: Pick<ClusterPool, 'on' | 'off'>;
  readonly #ends = new Map<number, ProcessEnd>();
  readonly #hung = new WeakMap<SupervisedCluster, { readonly stack: string | undefined }>();

  public constructor(clusters: Pick<ClusterPool, 'on' | 'off'>) {
    super();
    this.#clusters = clusters;
  }

  public start(): void {
    this.#clusters.on('killedworker', this.#onEnded);
  }

  public stop(): void {
    this.#clusters.off('killedworker', this.#onEnded);
  }

  /** A process is about to be killed because its event loop does not turn. @param stack where it is blocked, if that is known. */
  public noteHung(cluster: SupervisedCluster, stack: string | undefined): void {
    this.#hung.set(cluster, { stack });
  }

  /** @returns null where this master has not seen the end: the process runs, or an earlier master saw it. */
  public find(pid: number): ProcessEnd | null {
    return this.#ends.get(pid) ?? null;
  }

  readonly #onEnded = (cluster: ClusterConnection): void => {
    const { pid } = cluster;
    if (pid === undefined) return;
    const steadyAt = Number(process.hrtime.bigint() / 1_000_000n);
    void cluster.ended.then((exit) => {
      const hung = this.#hung.get(cluster);
      const detail = ranOutOfMemory(cluster, exit) ? 'ran out of memory' : describeExit(exit);
      const cause = hung === undefined ? causeOf(exit) : 'hung';
      // The system uses a pid again. The last process that had it counts.
      this.#ends.delete(pid);
      this.#ends.set(pid, { cause, steadyAt, detail, ...(hung?.stack === undefined ? {} : { stack: hung.stack }) });
      const [oldest] = this.#ends.keys();
      if (this.#ends.size > KEPT && oldest !== undefined) this.#ends.delete(oldest);
    });
  };
}

function causeOf({ code, signal }: ExitReason): ProcessEnd['cause'] {
  if (signal !== null) return FROM_OUTSIDE.has(signal) ? 'killed' : 'itself';
  return code === null ? 'killed' : 'itself';
}

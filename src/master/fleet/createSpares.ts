import { statSync } from 'node:fs';
import { freemem } from 'node:os';
import type { Logger } from '../../core/log/logger.js';
import type { Config } from '../../core/settings/config.js';
import { findEntrypoint } from '../../core/worker/entrypoint.js';
import { WorkerConnection } from '../../core/worker/WorkerConnection.js';
import type { SpareHost } from '../../core/worker/WorkerHost.js';
import type { WorkerRegistry } from '../../core/worker/WorkerRegistry.js';
import type { Supervisor } from '../supervision/Supervisor.js';
import type { ClusterConnection } from './ClusterConnection.js';
import { type ClusterProcessOptions, clusterProcess } from './ClusterPool.js';
import { SpareClusters } from './SpareClusters.js';

export interface SparePartsOptions {
  readonly config: Pick<Config, 'spareClusters' | 'spawnTimeoutMs'>;
  readonly processOptions: ClusterProcessOptions;
  readonly host: SpareHost;
  /** The clusters' program, see `findEntrypoint`. Default `cluster`. */
  readonly entrypoint: string | URL | undefined;
  readonly registry: WorkerRegistry;
  /** Called late: the pool of the clusters is made with the spares as its host. */
  readonly fleet: () => {
    readonly clusters: { readonly workerCount: number; readonly alive: readonly ClusterConnection[] };
    readonly supervisor: Pick<Supervisor, 'stateOf'>;
  };
  readonly logger: Logger;
}

/** A spare that does not end in time is killed, in milliseconds. It has no work that it could lose. */
const END_TIMEOUT_MS = 500;

/** Makes the spares of a master's clusters. */
export function createSpares(options: SparePartsOptions): SpareClusters {
  const { config, processOptions, host, entrypoint = 'cluster', registry, fleet, logger } = options;
  return new SpareClusters({
    count: config.spareClusters,
    host,
    createSpare: () =>
      new WorkerConnection(0, entrypoint, logger, {
        ...clusterProcess(processOptions),
        ...{ host, registry, isSpare: true, drainTimeoutMs: END_TIMEOUT_MS, termTimeoutMs: END_TIMEOUT_MS },
      }),
    isSteady: () => {
      const { clusters, supervisor } = fleet();
      const states = Array.from({ length: clusters.workerCount }, (_, id) => supervisor.stateOf(id));
      // A cluster that hands over is `ready`, and its successor starts.
      const isStarting = clusters.alive.some(({ state }) => state === 'starting' || state === 'idle');
      return !isStarting && states.every((state) => state === 'ready' || state === 'failed');
    },
    memory: () => ({
      availableBytes: availableMemory(),
      clusterBytes: Math.max(0, ...fleet().clusters.alive.map(({ vitals }) => vitals?.rssBytes ?? 0)),
    }),
    programOnDisk: () => programOnDisk(entrypoint),
    spawnTimeoutMs: config.spawnTimeoutMs,
    logger,
  });
}

/** Bytes that this process may still take: of the machine, or of its container where that allows less. */
function availableMemory(): number {
  // Node 20.13 brought it. What older ones know is the machine's.
  return typeof process.availableMemory === 'function' ? process.availableMemory() : freemem();
}

/** A build or a deploy replaces the program's file, or writes it anew. */
function programOnDisk(entrypoint: string | URL): string {
  try {
    const { ino, size, mtimeMs } = statSync(findEntrypoint(entrypoint));
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return 'none'; // In the middle of a deploy there may be no such file.
  }
}

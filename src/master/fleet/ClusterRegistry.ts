import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../../core/files/JsonFile.js';
import {
  isRunning,
  isSameProcess,
  type ProcessIdentity,
  processIdentitySchema,
} from '../../core/files/processIdentity.js';
import { storeWriters } from '../../core/files/storeWriters.js';
import type { Logger } from '../../core/log/logger.js';
import { registerSecret } from '../../core/log/secrets.js';
import { type Clock, systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/within.js';
import { AttachedProcess } from '../../core/worker/AttachedProcess.js';
import type { WorkerRecord, WorkerRegistry } from '../../core/worker/WorkerRegistry.js';
import { type ClusterSettings, digestOf } from './ClusterSettings.js';

const schema = z.object({
  version: z.literal(1),
  /** Digest of the settings that the clusters were started with. A master with others cannot take them over. */
  assignment: z.string(),
  /** Absent in a file of an earlier version. */
  shardCount: z.number().int().positive().optional(),
  workers: z.array(
    z.object({
      id: z.number().int().nonnegative(),
      kind: z.string(),
      generation: z.number().int().positive(),
      identity: processIdentitySchema,
      secret: z.string().min(32),
    }),
  ),
  /** Processes that wait to become a cluster. Absent in a file of an earlier version. */
  spares: z.array(processIdentitySchema).optional(),
});

export interface ClusterRegistryOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  /** Reaches a process that this master has not spawned. Default {@link AttachedProcess}. */
  readonly reach?: (identity: ProcessIdentity) => Pick<AttachedProcess, 'exited' | 'signal'>;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** What a take-over needs of the pool. */
interface AttachingClusters {
  attach(record: WorkerRecord, timeoutMs: number): Promise<{ readonly id: number } | undefined>;
}

/** How long clusters of an earlier master may take to come back, in milliseconds; they look for a master ten times a second. */
const TAKE_OVER_TIMEOUT_MS = 2_000;
/** How long a cluster that does not fit may take to close its sessions, in milliseconds. Then it is killed. */
const END_TIMEOUT_MS = 5_000;

/**
 * Which clusters run, in a file beside the socket (mode 0600, in a folder of mode 0700). A master that starts after a crash of
 * this one reads there whom it can take over. Losing the file costs a restart of the clusters, and no session: the clusters that
 * it does not name are found by the stores that they write, and ended before others start.
 */
export class ClusterRegistry implements WorkerRegistry {
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #dataDir: string;
  readonly #logger: Logger;
  readonly #reach: (identity: ProcessIdentity) => Pick<AttachedProcess, 'exited' | 'signal'>;
  readonly #clock: Clock;
  #left: {
    readonly digest: string;
    readonly shardCount: number | undefined;
    readonly workers: readonly WorkerRecord[];
  } = { digest: '', shardCount: undefined, workers: [] };
  /** Processes that have shards, and that the file does not name: it is damaged, or could not be written. */
  #unnamed: readonly ProcessIdentity[] = [];
  #digest = '';
  #shardCount: number | undefined;
  #records: readonly WorkerRecord[] = [];
  #spares: readonly ProcessIdentity[] = [];

  /** Notes which spares run. No later master takes one over: it ends them. */
  public readonly spares: WorkerRegistry = {
    add: ({ identity }) => {
      this.#spares = [...this.#spares, identity];
      this.#save();
    },
    remove: ({ identity }) => {
      this.#spares = this.#spares.filter(({ pid }) => pid !== identity.pid);
      this.#save();
    },
  };

  public constructor(options: ClusterRegistryOptions) {
    this.#file = new JsonFile(join(options.dataDir, 'ipc', 'clusters.json'), schema);
    this.#dataDir = options.dataDir;
    this.#logger = options.logger;
    this.#reach = options.reach ?? ((identity) => new AttachedProcess(identity));
    this.#clock = options.clock ?? systemClock;
  }

  /** Reads what an earlier master has written. @returns whether clusters of it still run. */
  public load(): boolean {
    const file = this.#file.load(this.#logger, 'clusters that still run cannot be taken over, they are replaced');
    for (const { secret } of file?.workers ?? []) registerSecret(secret);
    this.#endSpares(file?.spares ?? []);
    // They stay in the file while others come and go, until they end.
    this.#records = (file?.workers ?? []).filter(({ identity }) => isRunning(identity) === true);
    if (file !== undefined)
      this.#left = { digest: file.assignment, shardCount: file.shardCount, workers: this.#records };
    this.#unnamed = storeWriters(this.#dataDir).filter((writer) => this.#isUnnamed(writer));
    return this.#records.length > 0 || this.#unnamed.length > 0;
  }

  /** How many shards the bot of the clusters that were left has; undefined where the file does not say. */
  public get shardCount(): number | undefined {
    return this.#left.shardCount;
  }

  /** Whether the clusters that were left do what those of a master with these settings are to do. */
  public fits(settings: ClusterSettings): boolean {
    return this.#left.digest === digestOf(settings);
  }

  /** From now on the file says that the clusters run with these settings. */
  public begin(settings: ClusterSettings): void {
    this.#digest = digestOf(settings);
    this.#shardCount = settings.shardCount;
  }

  /**
   * Takes over the clusters of an earlier master that was killed, so that they serve on. Those that do not fit are ended.
   *
   * @returns the ids of those that were taken over.
   */
  public async takeOver(clusters: AttachingClusters, settings: ClusterSettings): Promise<readonly number[]> {
    const { workers } = this.#left;
    if (this.#unnamed.length > 0) {
      const pids = this.#unnamed.map(({ pid }) => pid);
      this.#logger.warn(
        { pids },
        `${pids.length} clusters of an earlier master are not in its list, they are replaced`,
      );
      await this.#end(this.#unnamed);
      this.#unnamed = [];
    }
    if (workers.length === 0) return [];
    if (!this.fits(settings)) {
      this.#logger.warn('the clusters of an earlier master were started with other settings, they are replaced');
      await this.#forget(workers);
      return [];
    }
    // Two of one id: the master died in the middle of a handover. Only the newest can go on.
    const newest = workers.filter(
      ({ id, generation }) => !workers.some((other) => other.id === id && other.generation > generation),
    );
    const taken = await Promise.all(newest.map((worker) => clusters.attach(worker, TAKE_OVER_TIMEOUT_MS)));
    await this.#forget(workers.filter((worker) => !newest.includes(worker)));
    const ids = taken.flatMap((cluster) => (cluster === undefined ? [] : [cluster.id]));
    this.#logger.info({ clusters: ids }, `took over ${ids.length} running clusters of an earlier master`);
    return ids;
  }

  public add(record: WorkerRecord): void {
    this.#records = [...this.#records.filter(({ identity }) => identity.pid !== record.identity.pid), record];
    this.#save();
  }

  public remove(record: WorkerRecord): void {
    this.#records = this.#records.filter(({ identity }) => identity.pid !== record.identity.pid);
    this.#save();
  }

  /** They end by themselves when their master is gone. One that hangs does not, and holds nothing that could be lost. */
  #endSpares(spares: readonly ProcessIdentity[]): void {
    for (const spare of spares) if (isRunning(spare) === true) this.#reach(spare).signal('SIGKILL');
  }

  /** Without the time of its start another process may have got the pid by now. Those that ask for a master are dismissed then. */
  #isUnnamed(writer: ProcessIdentity): boolean {
    if (writer.startedAt === null || isRunning(writer) !== true) return false;
    return !this.#records.some(({ identity }) => isSameProcess(identity, writer));
  }

  async #forget(workers: readonly WorkerRecord[]): Promise<void> {
    this.#records = this.#records.filter((record) => !workers.includes(record));
    await this.#end(workers.map(({ identity }) => identity));
  }

  /** Has processes close their sessions so that they can be resumed, and end. Resolves when all are gone. */
  async #end(identities: readonly ProcessIdentity[]): Promise<void> {
    await Promise.all(
      identities.map(async (identity) => {
        const process = this.#reach(identity);
        process.signal('SIGTERM');
        if (!(await within(process.exited, END_TIMEOUT_MS, this.#clock))) process.signal('SIGKILL');
        await process.exited;
      }),
    );
  }

  #save(): void {
    const [assignment, shardCount, workers] = [this.#digest, this.#shardCount, [...this.#records]];
    const spares = this.#spares.length === 0 ? {} : { spares: [...this.#spares] };
    const isEmpty = workers.length + this.#spares.length === 0;
    const content = isEmpty ? undefined : { version: 1 as const, assignment, shardCount, workers, ...spares };
    this.#file.save(content, this.#logger, 'a new master could not take clusters over');
  }
}

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../../core/files/JsonFile.js';
import { isRunning, processIdentitySchema } from '../../core/files/processIdentity.js';
import type { Logger } from '../../core/log/logger.js';
import { registerSecret } from '../../core/log/secrets.js';
import { AttachedProcess } from '../../core/worker/AttachedProcess.js';
import type { WorkerRecord, WorkerRegistry } from '../../core/worker/WorkerRegistry.js';
import { within } from '../../core/worker/within.js';

const schema = z.object({
  version: z.literal(1),
  /** What the clusters were told to do; another master with other settings cannot take them over. */
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
});

/** Clusters that run although their master is gone. */
export interface LeftClusters {
  /** See {@link ClusterRegistry.fits}. */
  readonly assignment: string;
  /** How many shards their bot has; undefined where the file does not say. */
  readonly shardCount?: number | undefined;
  readonly workers: readonly WorkerRecord[];
}

/** What all clusters of a master are told alike. */
export interface ClusterSettings {
  readonly apiUrl: string;
  readonly token: string;
  readonly dataDir: string;
  readonly shardCount: number;
  readonly clusterCount: number;
}

/** How long a cluster that does not fit may take to close its sessions, in milliseconds. */
const END_TIMEOUT_MS = 5_000;

/**
 * The clusters that run, in a file beside the socket (mode 0600, in a folder of mode 0700): what a master that comes after a
 * crash of this one needs in order to take them over. Losing it costs a restart of the clusters, and no session.
 */
export class ClusterRegistry implements WorkerRegistry {
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #logger: Logger;
  #assignment = '';
  #shardCount: number | undefined;
  #records: WorkerRecord[] = [];

  public constructor(dataDir: string, logger: Logger) {
    this.#file = new JsonFile(join(dataDir, 'ipc', 'clusters.json'), schema);
    this.#logger = logger;
  }

  /** What an earlier master has left running. */
  public load(): LeftClusters {
    const left = this.#file.load(this.#logger, 'clusters that still run end by themselves');
    if (left === undefined) return { assignment: '', workers: [] };
    for (const { secret } of left.workers) registerSecret(secret);
    // Those that are taken over stay in the file when others come and go; `end` and their own end remove them.
    this.#records = left.workers.filter(({ identity }) => isRunning(identity) === true);
    return { ...left, workers: this.#records };
  }

  public begin(settings: ClusterSettings): void {
    this.#assignment = assignmentOf(settings);
    this.#shardCount = settings.shardCount;
  }

  /** Whether these clusters do what those of a master with these settings are to do. */
  public fits({ assignment }: LeftClusters, settings: ClusterSettings): boolean {
    return assignment === assignmentOf(settings);
  }

  /** Ends clusters that do not fit: they close their sessions so that they can be resumed. Resolves when all are gone. */
  public async end({ workers }: LeftClusters): Promise<void> {
    this.#records = this.#records.filter((record) => !workers.includes(record));
    await Promise.all(
      workers.map(async ({ identity }) => {
        const process = new AttachedProcess(identity);
        process.signal('SIGTERM');
        if (!(await within(process.exited, END_TIMEOUT_MS))) process.signal('SIGKILL');
        await process.exited;
      }),
    );
  }

  public add(record: WorkerRecord): void {
    this.#records = [...this.#records.filter(({ identity }) => identity.pid !== record.identity.pid), record];
    this.#save();
  }

  public remove(record: WorkerRecord): void {
    this.#records = this.#records.filter(({ identity }) => identity.pid !== record.identity.pid);
    this.#save();
  }

  #save(): void {
    const [assignment, shardCount, workers] = [this.#assignment, this.#shardCount, this.#records];
    const content = workers.length === 0 ? undefined : { version: 1 as const, assignment, shardCount, workers };
    this.#file.save(content, this.#logger, 'a new master could not take clusters over');
  }
}

function assignmentOf({ apiUrl, token, dataDir, shardCount, clusterCount }: ClusterSettings): string {
  // In this order: clusters of earlier versions would not fit otherwise.
  const text = JSON.stringify({ apiUrl, token, dataDir, shardCount, clusterCount });
  return createHash('sha256').update(text).digest('hex');
}

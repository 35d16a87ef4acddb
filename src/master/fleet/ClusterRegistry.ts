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
  readonly workers: readonly WorkerRecord[];
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
  #records: WorkerRecord[] = [];
  #saidUnwritable = false;

  public constructor(dataDir: string, logger: Logger) {
    this.#file = new JsonFile(join(dataDir, 'ipc', 'clusters.json'), schema);
    this.#logger = logger;
  }

  /** What an earlier master has left running. */
  public load(): LeftClusters {
    try {
      const { assignment, workers } = this.#file.read() ?? { assignment: '', workers: [] };
      for (const { secret } of workers) registerSecret(secret);
      // Those that are taken over stay in the file when others come and go; `end` and their own end remove them.
      this.#records = workers.filter(({ identity }) => isRunning(identity) === true);
      return { assignment, workers: this.#records };
    } catch (error) {
      this.#logger.warn({ err: error }, `${this.#file.path} cannot be read; clusters that still run end by themselves`);
      return { assignment: '', workers: [] };
    }
  }

  /** @param settings what all clusters of this master are told alike. */
  public begin(settings: Readonly<Record<string, string | number>>): void {
    this.#assignment = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
  }

  /** Whether these clusters do what those of this master are to do. */
  public fits({ assignment }: LeftClusters): boolean {
    return assignment === this.#assignment;
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
    try {
      if (this.#records.length === 0) this.#file.remove();
      else this.#file.write({ version: 1, assignment: this.#assignment, workers: this.#records });
    } catch (error) {
      if (this.#saidUnwritable) return;
      this.#saidUnwritable = true;
      this.#logger.error(
        { err: error },
        `${this.#file.path} cannot be written; a new master could not take clusters over`,
      );
    }
  }
}

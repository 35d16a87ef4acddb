import { fileURLToPath } from 'node:url';
import type { RestartStatus } from '../../core/contracts/AdminApi.js';
import { type AdminAddress, adminAddressFile } from '../../core/contracts/adminAddress.js';
import { ConfigError, KallistiError } from '../../core/errors.js';
import { describeFileError } from '../../core/files/describeFileError.js';
import type { JsonFile } from '../../core/files/JsonFile.js';
import type { ChannelObserver } from '../../core/ipc/Channel.js';
import type { LogTail } from '../../core/log/LogTail.js';
import type { Logger } from '../../core/log/logger.js';
import type { AdminConfig } from '../../core/settings/config.js';
import type { LogLevel } from '../../core/settings/settings.js';
import { LoopLagMeter } from '../../core/time/LoopLagMeter.js';
import { VERSION } from '../../core/version.js';
import type { JobOutcome } from '../jobs/JobScheduler.js';
import type { AdminFleet } from './AdminContext.js';
import { type AdminLimits, AdminServer } from './AdminServer.js';
import { AdminToken } from './AdminToken.js';
import { ArrivalBook } from './ArrivalBook.js';
import { ClusterPolls } from './ClusterPolls.js';
import { livesOf } from './clusterStatus.js';
import { EventStream } from './EventStream.js';
import { Gate } from './Gate.js';
import { HistoryRecorder } from './HistoryRecorder.js';
import { LogBook } from './LogBook.js';
import { Metrics } from './metrics/Metrics.js';
import type { ClusterSnapshot } from './metrics/SnapshotMetric.js';
import { PageFiles } from './PageFiles.js';
import { StatusCollector } from './StatusCollector.js';

export interface AdminOptions {
  readonly config: AdminConfig;
  readonly dataDir: string;
  readonly localDiscord: boolean;
  readonly logger: Logger;
  /** The master's own log lines. Default: they are left out. */
  readonly logTail?: LogTail | undefined;
  /** Fires when the master is told to stop. */
  readonly stopping: AbortSignal;
  /** Called when somebody asks for the whole bot to stop. */
  readonly onStopRequested: () => void;
  /** Default: the folder of the status page that comes with the package. */
  readonly pageFolder?: string;
  /** Overrides single limits of the server. */
  readonly limits?: Partial<AdminLimits> | undefined;
}

/**
 * Composition root of the admin side of the master: API, metrics, event stream, page. It serves from `start` on, so that an
 * operator sees why a bot does not come up. `watch` gives it the clusters.
 */
export class Admin {
  readonly #options: AdminOptions;
  readonly #loopLag = new LoopLagMeter();
  readonly #metrics = new Metrics();
  readonly #logs: LogBook;
  readonly #status: StatusCollector;
  readonly #history: HistoryRecorder;
  readonly #events: EventStream;
  readonly #addressFile: JsonFile<AdminAddress>;
  #server: AdminServer | undefined;
  #fleet: AdminFleet | undefined;
  #polls: ClusterPolls | undefined;
  #arrivals: ArrivalBook | undefined;

  public constructor(options: AdminOptions) {
    this.#options = options;
    const { logger, config, localDiscord, logTail, stopping } = options;
    this.#logs = new LogBook(logTail);
    this.#status = new StatusCollector({
      version: VERSION,
      loopLag: this.#loopLag,
      logLevel: () => logger.level as LogLevel,
      localDiscord,
      evalEnabled: config.allowsEval,
      stopping,
    });
    this.#history = new HistoryRecorder(
      () => this.#status.collect(),
      (sample) => this.#events.sendSample(sample),
      logger,
    );
    this.#events = new EventStream({
      collect: () => this.#status.collect(),
      history: () => this.#history.read(),
      logs: this.#logs,
      logger,
    });
    this.#addressFile = adminAddressFile(options.dataDir);
  }

  /** Measures the requests between the master and its clusters. */
  public get observer(): ChannelObserver {
    return this.#metrics.observer;
  }

  /** Counts a run of a job. */
  public noteJobRun(job: string, outcome: JobOutcome): void {
    this.#metrics.noteJobRun(job, outcome);
  }

  /** Where it listens; undefined before `start` and after `stop`. */
  public get url(): string | undefined {
    return this.#server?.url;
  }

  /** @throws ConfigError where it cannot listen, or DATA_DIR cannot be written. */
  public async start(): Promise<void> {
    const { config, dataDir, logger } = this.#options;
    const cookieName = (): string => `kallisti_session_${this.#server?.port ?? 0}`;
    const token = AdminToken.load(dataDir, config.token);
    const server = new AdminServer({
      ...config,
      page: new PageFiles(this.#options.pageFolder ?? fileURLToPath(new URL('../../page/', import.meta.url))),
      logger,
      limits: this.#options.limits,
      onRequest: (route, status, durationMs) => this.#metrics.noteRequest(route, status, durationMs),
      context: {
        logger,
        gate: new Gate({ token, host: config.host, cookieName }),
        status: this.#status,
        history: this.#history,
        logs: this.#logs,
        events: this.#events,
        allowsEval: config.allowsEval,
        cookieName,
        fleet: () => this.#running(),
        metrics: () => this.#renderMetrics(),
        requestStop: this.#options.onStopRequested,
      },
    });
    this.#loopLag.start();
    this.#logs.start();
    await server.start();
    this.#server = server;
    this.#writeAddress({ url: server.url, pid: process.pid, version: VERSION });
    this.#events.start();
    this.#options.stopping.addEventListener('abort', this.#sendStopping);
    const tokenFrom = config.token === undefined ? 'DATA_DIR/admin-token' : 'ADMIN_TOKEN';
    logger.info(`status page and admin API: ${server.url} (token: ${tokenFrom})`);
  }

  /** Call it before the first cluster is spawned: from then on all of them are watched. */
  public watch(fleet: AdminFleet): void {
    const polls = new ClusterPolls(fleet.clusters);
    const arrivals = new ArrivalBook(fleet.clusters, (arrival) => this.#metrics.noteArrival(arrival));
    arrivals.start();
    this.#fleet = fleet;
    this.#polls = polls;
    this.#arrivals = arrivals;
    this.#logs.watch(fleet.clusters);
    this.#status.watch({ fleet, polls, arrivals });
    fleet.restart.on('progress', this.#sendRestart);
    this.#history.start();
  }

  /** Leaves no socket, no timer and no file that leads to it. Idempotent. */
  public async stop(): Promise<void> {
    this.#options.stopping.removeEventListener('abort', this.#sendStopping);
    this.#fleet?.restart.off('progress', this.#sendRestart);
    await this.#history.stop();
    await this.#events.stop();
    await this.#server?.stop();
    if (this.#server !== undefined) this.#addressFile.remove();
    this.#server = undefined;
    this.#arrivals?.stop();
    this.#logs.stop();
    this.#loopLag.stop();
  }

  #writeAddress(address: AdminAddress): void {
    try {
      this.#addressFile.write(address);
    } catch (error) {
      throw new ConfigError(`${this.#addressFile.path}: ${describeFileError(error)}`, 'DATA_DIR_UNUSABLE');
    }
  }

  readonly #sendStopping = (): void => this.#events.sendStopping();

  readonly #sendRestart = (status: RestartStatus): void => this.#events.sendRestart(status);

  #running(): AdminFleet {
    if (this.#fleet !== undefined && !this.#options.stopping.aborted) return this.#fleet;
    const why = this.#options.stopping.aborted ? 'stops' : 'has not spawned its clusters yet';
    throw new KallistiError('NOT_RUNNING', `the master ${why}`);
  }

  async #renderMetrics(): Promise<{ type: string; text: string }> {
    const status = await this.#status.collect();
    const clusters = status.clusters.map((cluster): ClusterSnapshot => {
      const { clusterId } = cluster;
      const lives = this.#fleet === undefined ? undefined : livesOf(clusterId, this.#fleet.clusters);
      const life = lives?.serving ?? lives?.starting ?? lives?.draining;
      const counts = this.#fleet?.supervisor.historyOf(clusterId)?.counts ?? [];
      return {
        status: cluster,
        stats: life === undefined ? undefined : this.#polls?.reportOf(life)?.stats,
        queuedBytes: life?.queuedBytes ?? 0,
        pendingRequests: life?.pendingRequests ?? 0,
        restarts: new Map(counts),
      };
    });
    const text = await this.#metrics.render({ status, clusters, viewers: this.#events.viewers });
    return { type: this.#metrics.contentType, text };
  }
}

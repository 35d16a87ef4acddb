import { availableParallelism } from 'node:os';
import type { Config } from '../core/config.js';
import type { ClusterAssignment, EvalResult } from '../core/contracts/ClusterContract.js';
import { ConfigError, type DiscordRefusedError, KallistiError } from '../core/errors.js';
import { evaluateCode } from '../core/evaluate.js';
import { IpcServer } from '../core/ipc/IpcServer.js';
import type { LogTail } from '../core/LogTail.js';
import type { Logger } from '../core/logger.js';
import type { StatusLine } from '../core/StatusLine.js';
import { registerSecret, scrub } from '../core/secrets.js';
import type { BaseService } from '../core/services/BaseService.js';
import type { LogLevel } from '../core/settings.js';
import { Admin } from './admin/Admin.js';
import type { ClusterConnection } from './ClusterConnection.js';
import { ClusterPool } from './ClusterPool.js';
import { ClusterRegistry, type LeftClusters } from './ClusterRegistry.js';
import { CommandRegistrar } from './CommandRegistrar.js';
import { DataDir } from './DataDir.js';
import { type ApplicationInfo, DiscordApi } from './DiscordApi.js';
import { type DiscoveredBot, Discovery } from './Discovery.js';
import { AcquireShardsService } from './events/AcquireShardsService.js';
import { AcquireSlotService } from './events/AcquireSlotService.js';
import { DiscordRefusedService } from './events/DiscordRefusedService.js';
import { EvaluateService } from './events/EvaluateService.js';
import { FindChannelService } from './events/FindChannelService.js';
import { FindGuildService } from './events/FindGuildService.js';
import { FindUserService } from './events/FindUserService.js';
import { GetAssignmentService } from './events/GetAssignmentService.js';
import { GetFleetStatsService } from './events/GetFleetStatsService.js';
import { GetProcessEndService } from './events/GetProcessEndService.js';
import { ReleaseSlotService } from './events/ReleaseSlotService.js';
import { RestartService } from './events/RestartService.js';
import { SetLogLevelService } from './events/SetLogLevelService.js';
import { ShardDeafService } from './events/ShardDeafService.js';
import { FleetRestart } from './FleetRestart.js';
import { FleetStatsCollector } from './FleetStatsCollector.js';
import { Handover } from './Handover.js';
import { IdentifyBudgetStore } from './IdentifyBudgetStore.js';
import { IdentifyQueue } from './IdentifyQueue.js';
import { ProcessEnds } from './ProcessEnds.js';
import { StatusReporter } from './StatusReporter.js';
import { Supervisor } from './Supervisor.js';
import { sampleStack } from './sampleStack.js';
import { clusterCountFor } from './shardRanges.js';
import { findTarget, type Target } from './Target.js';
import { VitalsMonitor } from './VitalsMonitor.js';

export interface MasterOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Where a terminal shows how things stand. Default: nowhere. */
  readonly status?: StatusLine;
  /** The master's own last log lines, for the admin API. Default: it shows none. */
  readonly logTail?: LogTail;
  /** Somebody asked the admin API for the whole bot to stop. Default: nothing happens. */
  readonly onStopRequested?: () => void;
  /** Whether clusters that were taken over are replaced then, one after the other: they run the code of before. Default false. */
  readonly rollsAfterTakeOver?: boolean;
}

/** How long clusters of an earlier master may take to come back, in milliseconds; they look for a master ten times a second. */
const TAKE_OVER_TIMEOUT_MS = 2_000;

/** How long a process that hangs is looked at before it is killed, in milliseconds. */
const STACK_TIMEOUT_MS = 900;

/**
 * Composition root of the master process: builds the parts, starts them in order, stops them in reverse. Holds no gateway
 * connection itself.
 */
export class Master {
  /** Resolves when Discord refuses the bot for good; everything has to end then. */
  public readonly refused: Promise<DiscordRefusedError>;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #status: StatusLine | undefined;
  readonly #dataDir: DataDir;
  readonly #server = new IpcServer();
  readonly #startedAt = performance.now();
  /** Undone by `stop`, last first. */
  readonly #undo: (() => void | Promise<void>)[] = [];
  #resolveRefused: (error: DiscordRefusedError) => void = () => undefined;
  #stopping: Promise<void> | undefined;
  #keepsClusters = false;
  readonly #rollsAfterTakeOver: boolean;
  readonly #stopRequested = new AbortController();

  readonly #admin: Admin | undefined;

  public constructor(options: MasterOptions) {
    const { config, logger, status, rollsAfterTakeOver = false } = options;
    this.#rollsAfterTakeOver = rollsAfterTakeOver;
    this.#config = config;
    this.#logger = logger;
    this.#status = status;
    this.#dataDir = new DataDir(config.dataDir);
    if (config.admin !== undefined) {
      this.#admin = new Admin({
        config: config.admin,
        dataDir: config.dataDir,
        localDiscord: config.token === undefined,
        logger,
        logTail: options.logTail,
        stopping: this.#stopRequested.signal,
        onStopRequested: () => options.onStopRequested?.(),
      });
    }
    this.refused = new Promise((resolve) => {
      this.#resolveRefused = resolve;
    });
  }

  /**
   * Brings the bot up: resolves when its clusters are being spawned, which then get ready in their own time.
   *
   * @throws ConfigError where DATA_DIR or the counts do not fit, DiscordRefusedError for a wrong token. An unreachable Discord
   * is no error: it is said, and tried again until `stop` is called.
   */
  public async start(): Promise<void> {
    this.#dataDir.prepare();
    await this.#dataDir.acquireLock();
    this.#undo.push(() => this.#dataDir.releaseLock());
    this.#undo.push(() => this.#admin?.stop());
    await this.#admin?.start();
    const target = await findTarget(this.#config, this.#dataDir.path, this.#logger);
    this.#undo.push(() => target.stop());
    registerSecret(target.token);
    const api = new DiscordApi({ token: target.token, apiUrl: target.apiUrl });
    this.#undo.push(() => api.close());
    const discovery = new Discovery({ ...target, api, logger: this.#logger });
    const registry = new ClusterRegistry(this.#dataDir.path, this.#logger);
    const left = registry.load();
    // Clusters that wait for a master must not wait for Discord too.
    const remembered = left.workers.length > 0 ? discovery.remembered() : undefined;
    const bot = remembered ?? (await discovery.ask(this.#stopRequested.signal));
    this.#stopRequested.signal.throwIfAborted();
    await this.#server.listen(this.#dataDir.socketPath());
    this.#undo.push(() => this.#server.close());
    await this.#run(target, api, bot, registry, left);
  }

  /**
   * Stops everything, in order. Resolves when no process and no socket of ours is left. Idempotent.
   *
   * @param options `keepClusters` leaves the clusters running for a new master, which has ORPHAN_GRACE to take them over.
   */
  public stop({ keepClusters = false }: { readonly keepClusters?: boolean } = {}): Promise<void> {
    this.#keepsClusters = keepClusters;
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopRequested.abort(new KallistiError('REQUEST_ABORTED', 'the master was told to stop'));
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        this.#logger.error({ err: error }, 'a part of the master did not stop cleanly');
      }
    }
  }

  async #run(
    target: Target,
    api: DiscordApi,
    { gateway, application }: DiscoveredBot,
    registry: ClusterRegistry,
    left: LeftClusters,
  ): Promise<void> {
    const shardCount = this.#config.shardCount === 'auto' ? gateway.shards : this.#config.shardCount;
    const clusterCount = checkedClusterCount(target.clusterCount, shardCount);
    registry.begin({ apiUrl: target.apiUrl, token: target.token, dataDir: target.dataDir, shardCount, clusterCount });
    const ownerIds = target.ownerIds ?? application?.ownerIds ?? [];
    const queue = new IdentifyQueue({
      store: new IdentifyBudgetStore(target.dataDir, this.#logger),
      logger: this.#logger,
      shardCount,
      refresh: async (signal) => (await api.getGateway(signal)).sessionStartLimit,
      identifyIntervalMs: target.identifyIntervalMs,
      // Longer than eris waits for a connection (30 s): a lease that counts as used already must not be used after that.
      leaseTimeoutMs: 60_000,
    });
    queue.start(gateway.sessionStartLimit);
    this.#undo.push(() => queue.stop());

    const clusters = new ClusterPool({
      shardCount,
      clusterCount,
      spawnTimeoutMs: this.#config.spawnTimeoutMs,
      drainTimeoutMs: this.#config.drainTimeoutMs,
      memoryMb: this.#config.clusterMemoryMb,
      server: this.#server,
      registry,
      observer: this.#admin?.observer,
      isQueued: ({ shardIds }) => queue.state().waiting.some((key) => key.shardIds.some((id) => shardIds.includes(id))),
      logger: this.#logger,
    });
    clusters.on('killedworker', (cluster) => queue.releaseHolder(cluster.holder));
    const ends = new ProcessEnds(clusters);
    const supervisor = new Supervisor({
      clusters,
      logger: this.#logger,
      onRefused: (error) => this.#resolveRefused(error),
      sampleStack: async (cluster) => {
        const stack = await sampleStack(cluster, STACK_TIMEOUT_MS);
        ends.noteHung(cluster, stack);
        return stack;
      },
    });
    const vitals = new VitalsMonitor({
      clusters,
      supervisor,
      hungAfterMs: this.#config.hungAfterMs,
      logger: this.#logger,
    });
    const handover = new Handover({ clusters, logger: this.#logger });
    const stats = new FleetStatsCollector(clusters, queue);
    const restart = new FleetRestart({
      clusters,
      queue,
      api,
      logger: this.#logger,
      onReplaced: (id) => supervisor.notePlanned(id),
    });
    const assign = (cluster: ClusterConnection): ClusterAssignment => ({
      token: target.token,
      apiUrl: target.apiUrl,
      gatewayUrl: gateway.url,
      shardIds: cluster.shardIds,
      shardCount,
      clusterCount,
      ownerIds,
      logLevel: this.#logger.level as LogLevel,
      drainTimeoutMs: this.#config.drainTimeoutMs,
      dataDir: target.dataDir,
      resumeWindowMs: this.#config.resumeWindowMs,
      orphanGraceMs: this.#config.orphanGraceMs,
      deafAfterMs: this.#config.deafAfterMs,
    });

    this.#startServices([
      handover,
      ends,
      vitals,
      new GetAssignmentService(clusters, assign),
      new AcquireShardsService(clusters, handover),
      new GetProcessEndService(clusters, ends),
      new AcquireSlotService(clusters, queue, ({ id }) => (supervisor.recovering.has(id) ? 'recovery' : 'start')),
      new ReleaseSlotService(clusters, queue),
      new DiscordRefusedService(clusters, supervisor),
      new ShardDeafService(clusters, supervisor),
      new FindGuildService(clusters),
      new FindUserService(clusters),
      new FindChannelService(clusters),
      new EvaluateService(clusters, (code) => this.#evaluate(code, clusters)),
      new GetFleetStatsService(clusters, stats),
      new RestartService(clusters, restart),
      new SetLogLevelService(clusters, this.#logger),
      ...(this.#status === undefined ? [] : [new StatusReporter(this.#status, clusters, stats, this.#logger)]),
    ]);
    this.#undo.push(() => restart.settled());
    this.#undo.push(() => (this.#keepsClusters ? clusters.detachAll() : clusters.killAll()));
    this.#undo.push(() => restart.stop());
    const evaluateInMaster = (code: string): Promise<EvalResult> => this.#evaluate(code, clusters);
    this.#admin?.watch({ clusters, queue, supervisor, restart, evaluateInMaster });
    this.#announceReady(clusters, api, application);
    const taken = await this.#takeOver(clusters, registry, left);
    this.#logger.info({ shards: shardCount, clusters: clusterCount }, 'starting clusters');
    supervisor.start();
    this.#undo.push(() => supervisor.stop());
    if (this.#rollsAfterTakeOver && taken.length > 0) restart.begin({ clusterIds: taken, requestedBy: 'the upgrade' });
  }

  /** Clusters of an earlier master that was killed serve on under this one; what does not fit is stopped, and replaced. */
  async #takeOver(clusters: ClusterPool, registry: ClusterRegistry, left: LeftClusters): Promise<readonly number[]> {
    if (left.workers.length === 0) return [];
    if (!registry.fits(left)) {
      this.#logger.warn('the clusters of an earlier master were started with other settings, they are replaced');
      await registry.end(left);
      return [];
    }
    // Two of one id: the master died in the middle of a handover. Of these only the newest can go on.
    const newest = left.workers.filter(
      ({ id, generation }) => !left.workers.some((other) => other.id === id && other.generation > generation),
    );
    const taken = await Promise.all(newest.map((worker) => clusters.attach(worker, TAKE_OVER_TIMEOUT_MS)));
    await registry.end({ ...left, workers: left.workers.filter((worker) => !newest.includes(worker)) });
    const ids = taken.flatMap((cluster) => (cluster === undefined ? [] : [cluster.id]));
    this.#logger.info({ clusters: ids }, `took over ${ids.length} running clusters of an earlier master`);
    return ids;
  }

  #startServices(services: readonly BaseService[]): void {
    for (const service of services) {
      void service.start();
      this.#undo.push(() => service.stop());
    }
  }

  /** Says when clusters are ready, and when all are; registers the commands with Discord when the first one is. */
  #announceReady(clusters: ClusterPool, api: DiscordApi, application: ApplicationInfo | undefined): void {
    let said = false;
    let registered = application === undefined;
    clusters.on('spawnedworker', (cluster) => {
      this.#logger.info({ cluster: cluster.id, workerPid: cluster.pid }, `cluster ${cluster.id} is ready`);
      if (!registered && application !== undefined) {
        registered = true;
        const registrar = new CommandRegistrar(api, this.#logger);
        void cluster
          .request('describeCommands', undefined)
          .then((commands) => registrar.register(application.id, commands))
          .catch((error: unknown) => this.#logger.warn({ err: error }, 'the slash commands were not registered'));
      }
      if (said || [...clusters].length < clusters.workerCount) return;
      said = true;
      const afterMs = Math.round(performance.now() - this.#startedAt);
      this.#logger.info({ shards: clusters.shardCount, afterMs }, `ready: all ${clusters.shardCount} shards`);
    });
  }

  async #evaluate(code: string, clusters: ClusterPool): Promise<EvalResult> {
    return { target: 'master', ...(await evaluateCode(code, { scope: { master: this, clusters }, scrub })) };
  }
}

function checkedClusterCount(clusterCount: number | 'auto', shardCount: number): number {
  if (clusterCount === 'auto') return clusterCountFor(shardCount, availableParallelism());
  if (clusterCount <= shardCount) return clusterCount;
  throw new ConfigError(
    `CLUSTER_COUNT=${clusterCount} is more than the ${shardCount} shards that Discord recommends; allowed: at most SHARD_COUNT`,
  );
}

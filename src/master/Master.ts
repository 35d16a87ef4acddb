import { availableParallelism } from 'node:os';
import type { ClusterAssignment, EvalResult } from '../core/contracts/ClusterContract.js';
import { Layout } from '../core/discord/Layout.js';
import { clusterCountFor } from '../core/discord/shardRanges.js';
import { ConfigError, type DiscordRefusedError, KallistiError } from '../core/errors.js';
import { evaluateCode } from '../core/eval/evaluate.js';
import { IpcServer } from '../core/ipc/IpcServer.js';
import type { LogTail } from '../core/log/LogTail.js';
import type { Logger } from '../core/log/logger.js';
import type { StatusLine } from '../core/log/StatusLine.js';
import { registerSecret, scrub } from '../core/log/secrets.js';
import type { BaseService } from '../core/services/BaseService.js';
import type { Config } from '../core/settings/config.js';
import type { LogLevel } from '../core/settings/settings.js';
import { LocalHost } from '../core/worker/LocalHost.js';
import { within } from '../core/worker/within.js';
import { Admin } from './admin/Admin.js';
import { DataDir } from './dataDir/DataDir.js';
import { CommandRecord } from './discord/CommandRecord.js';
import { CommandRegistrar } from './discord/CommandRegistrar.js';
import { type ApplicationInfo, DiscordApi } from './discord/DiscordApi.js';
import { type DiscoveredBot, Discovery } from './discord/Discovery.js';
import { findTarget, type Target } from './discord/Target.js';
import { ClusterEvents } from './events/ClusterEvents.js';
import { clusterEventTable } from './events/clusterEventTable.js';
import type { ClusterConnection } from './fleet/ClusterConnection.js';
import { ClusterPool } from './fleet/ClusterPool.js';
import { ClusterRegistry, type ClusterSettings, type LeftClusters } from './fleet/ClusterRegistry.js';
import { FleetCommands } from './fleet/FleetCommands.js';
import { failedShards, StatusReporter } from './fleet/StatusReporter.js';
import { IdentifyBudgetStore } from './identify/IdentifyBudgetStore.js';
import { IdentifyQueue } from './identify/IdentifyQueue.js';
import { FleetRestart } from './restart/FleetRestart.js';
import { Handover } from './restart/Handover.js';
import { ProcessEnds } from './supervision/ProcessEnds.js';
import { Supervisor } from './supervision/Supervisor.js';
import { sampleStack } from './supervision/sampleStack.js';
import { VitalsMonitor } from './supervision/VitalsMonitor.js';

/** Stops what a bot has added to its master. */
export type StopParts = () => unknown;

export interface MasterOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Where a terminal shows how things stand. Default: nowhere. */
  readonly status?: StatusLine;
  /** The master's own last log lines, for the admin API. Default: it shows none. */
  readonly logTail?: LogTail;
  /** Somebody asked the admin API for the whole bot to stop. Default: nothing happens. */
  readonly onStopRequested?: () => void;
  /** The clusters' program: a file, or a name that is looked up beside the running program. Default `cluster`. */
  readonly cluster?: string | URL;
  /**
   * Called at the end of the start, while the clusters are starting: the place for the bot's own parts in the master. What it
   * returns stops them, before anything else is stopped; it is waited for at most DRAIN_TIMEOUT. What it throws fails the start.
   */
  readonly setUp?: (master: Master) => StopParts | void | Promise<StopParts | undefined> | Promise<void>;
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
  readonly #options: MasterOptions;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #status: StatusLine | undefined;
  readonly #dataDir: DataDir;
  readonly #server = new IpcServer();
  readonly #startedAt = performance.now();
  /** Undone by `stop`, last first. */
  readonly #undo: (() => void | Promise<void>)[] = [];
  #starting: Promise<void> = Promise.resolve();
  #resolveRefused: (error: DiscordRefusedError) => void = () => undefined;
  #stopping: Promise<void> | undefined;
  #keepsClusters = false;
  readonly #stopRequested = new AbortController();

  readonly #admin: Admin | undefined;

  public constructor(options: MasterOptions) {
    const { config, logger, status } = options;
    this.#options = options;
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

  public get logger(): Logger {
    return this.#logger;
  }

  /**
   * Brings the bot up: resolves when its clusters are being spawned, which then get ready in their own time.
   *
   * @throws ConfigError where DATA_DIR or the counts do not fit, DiscordRefusedError for a wrong token. An unreachable Discord
   * is no error: it is said, and tried again until `stop` is called.
   */
  public start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
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
    // Clusters that an earlier master has left are taken over even so: otherwise nobody would stop them.
    if (left.workers.length === 0) this.#stopRequested.signal.throwIfAborted();
    await this.#server.listen(this.#dataDir.socketPath());
    this.#undo.push(() => this.#server.close());
    await this.#run(target, api, bot, remembered === undefined, registry, left);
  }

  /**
   * Stops everything, in order. Resolves when no process and no socket of ours is left. Idempotent. A start under way fails
   * by it, after it has taken over what an earlier master has left: that is stopped too.
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
    // What a start still builds would be stopped by nobody. One that hangs, in the bot's own parts, is not waited for for ever.
    await within(this.#starting, this.#config.drainTimeoutMs);
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
    isFresh: boolean,
    registry: ClusterRegistry,
    left: LeftClusters,
  ): Promise<void> {
    const layout = new Layout({ ...target, logger: this.#logger });
    const laidOut = layout.load();
    const settings = this.#settingsFor(target, gateway.shards, laidOut, registry, left);
    const { shardCount, clusterCount } = settings;
    layout.begin(laidOut);
    registry.begin(settings);
    const hearRecommendation = (recommended: number): void => {
      if (this.#config.shardCount === 'auto') layout.compare(shardCount, recommended);
    };
    if (isFresh) hearRecommendation(gateway.shards);
    const ownerIds = target.ownerIds ?? application?.ownerIds ?? [];
    const queue = new IdentifyQueue({
      store: new IdentifyBudgetStore(target.dataDir, this.#logger),
      logger: this.#logger,
      shardCount,
      refresh: async (signal) => {
        const { shards, sessionStartLimit } = await api.getGateway(signal);
        hearRecommendation(shards);
        return sessionStartLimit;
      },
      identifyIntervalMs: target.identifyIntervalMs,
      // Longer than eris waits for a connection (30 s): a lease that counts as used already must not be used after that.
      leaseTimeoutMs: 60_000,
    });
    // What an earlier master has heard of the limit, it has spent since.
    queue.start(isFresh ? gateway.sessionStartLimit : undefined);
    this.#undo.push(() => queue.stop());

    const clusters = new ClusterPool({
      shardCount,
      clusterCount,
      spawnTimeoutMs: this.#config.spawnTimeoutMs,
      drainTimeoutMs: this.#config.drainTimeoutMs,
      memoryMb: this.#config.clusterMemoryMb,
      entrypoint: this.#options.cluster,
      host: new LocalHost(this.#server),
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
    const restart = new FleetRestart({
      clusters,
      queue,
      api,
      logger: this.#logger,
      onReplaced: (id) => supervisor.notePlanned(id),
    });
    const fleet = new FleetCommands({
      clusters,
      restart,
      queue,
      evaluateInMaster: (code) => this.#evaluate(code, clusters),
      logger: this.#logger,
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
      new ClusterEvents(clusters, clusterEventTable({ assign, handover, ends, queue, supervisor, fleet })),
      ...(this.#status === undefined ? [] : [new StatusReporter(this.#status, clusters, fleet, this.#logger)]),
    ]);
    this.#undo.push(() => restart.settled());
    this.#undo.push(() => (this.#keepsClusters ? clusters.detachAll() : clusters.killAll()));
    this.#undo.push(() => restart.stop());
    this.#admin?.watch({ clusters, queue, supervisor, restart, commands: fleet });
    this.#announceReady(clusters, api, application, target.dataDir);
    clusters.on('spawnedworker', ({ arrivals }) => arrivals.length > 0 && layout.commit(shardCount));
    const taken = await this.#takeOver(clusters, registry, settings, left);
    if (taken.length > 0) layout.commit(shardCount);
    this.#stopRequested.signal.throwIfAborted();
    this.#logger.info({ shards: shardCount, clusters: clusterCount }, 'starting clusters');
    supervisor.start();
    this.#undo.push(() => supervisor.stop());
    if (this.#options.rollsAfterTakeOver === true && taken.length > 0) {
      restart.begin({ clusterIds: taken, requestedBy: 'the upgrade' });
    }
    await this.#setUpParts();
  }

  async #setUpParts(): Promise<void> {
    const stop = await this.#options.setUp?.(this);
    if (stop === undefined) return;
    const timeoutMs = this.#config.drainTimeoutMs;
    this.#undo.push(async () => {
      const stopped = (async () => void (await stop()))();
      if (await within(stopped, timeoutMs)) return stopped;
      this.#logger.error(`the bot's own parts did not stop within ${timeoutMs} ms; the master stops without them`);
    });
  }

  /** With `SHARD_COUNT=auto` the bot keeps the number that its running clusters have, or its stores, whatever Discord says. */
  #settingsFor(
    { apiUrl, token, dataDir, clusterCount }: Target,
    recommended: number,
    laidOut: number | undefined,
    registry: ClusterRegistry,
    left: LeftClusters,
  ): ClusterSettings {
    const withShards = (shardCount: number): ClusterSettings => ({
      ...{ apiUrl, token, dataDir, shardCount },
      clusterCount: clusterCount === 'auto' ? clusterCountFor(shardCount, availableParallelism()) : clusterCount,
    });
    const { shardCount: wanted } = this.#config;
    if (wanted !== 'auto') return checked(withShards(wanted));
    if (left.shardCount !== undefined) {
      const running = withShards(left.shardCount);
      if (registry.fits(left, running)) return running;
    }
    return checked(withShards(laidOut ?? recommended));
  }

  /** Clusters of an earlier master that was killed serve on under this one; what does not fit is stopped, and replaced. */
  async #takeOver(
    clusters: ClusterPool,
    registry: ClusterRegistry,
    settings: ClusterSettings,
    left: LeftClusters,
  ): Promise<readonly number[]> {
    if (left.workers.length === 0) return [];
    if (!registry.fits(left, settings)) {
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
  #announceReady(
    clusters: ClusterPool,
    api: DiscordApi,
    application: ApplicationInfo | undefined,
    dataDir: string,
  ): void {
    let said = false;
    let registered = application === undefined;
    clusters.on('spawnedworker', (cluster) => {
      this.#logger.info({ cluster: cluster.id, workerPid: cluster.pid }, `cluster ${cluster.id} is ready`);
      if (!registered && application !== undefined) {
        registered = true;
        const record = new CommandRecord(dataDir, this.#logger);
        const registrar = new CommandRegistrar(api, record, this.#logger);
        void cluster
          .request('describeCommands', undefined)
          .then((commands) => registrar.register(application.id, commands))
          .catch((error: unknown) => this.#logger.warn({ err: error }, 'the slash commands were not registered'));
      }
      if (said || [...clusters].length < clusters.workerCount) return;
      said = true;
      const afterMs = Math.round(performance.now() - this.#startedAt);
      const { shardCount } = clusters;
      const failed = failedShards(clusters);
      const many =
        failed.length === 0 ? `all ${shardCount} shards` : `${shardCount - failed.length} of ${shardCount} shards`;
      const but = failed.length === 0 ? '' : `; failed: ${failed.join(', ')}`;
      this.#logger.info({ shards: shardCount, afterMs }, `ready: ${many}${but}`);
    });
  }

  async #evaluate(code: string, clusters: ClusterPool): Promise<EvalResult> {
    return { target: 'master', ...(await evaluateCode(code, { scope: { master: this, clusters }, scrub })) };
  }
}

/** @throws ConfigError where there are more clusters than shards. */
function checked(settings: ClusterSettings): ClusterSettings {
  const { clusterCount, shardCount } = settings;
  if (clusterCount <= shardCount) return settings;
  throw new ConfigError(
    `CLUSTER_COUNT=${clusterCount} is more than the bot's ${shardCount} shards; allowed: at most SHARD_COUNT`,
  );
}

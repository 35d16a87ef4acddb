import { join } from 'node:path';
import type { ClusterAssignment, EvalResult } from '../core/contracts/ClusterContract.js';
import { Layout } from '../core/discord/Layout.js';
import { type DiscordRefusedError, KallistiError } from '../core/errors.js';
import { evaluateCode } from '../core/eval/evaluate.js';
import { IpcServer } from '../core/ipc/IpcServer.js';
import type { LogTail } from '../core/log/LogTail.js';
import type { Logger } from '../core/log/logger.js';
import type { StatusLine } from '../core/log/StatusLine.js';
import { registerSecret, scrub } from '../core/log/secrets.js';
import type { BaseService } from '../core/services/BaseService.js';
import type { Config } from '../core/settings/config.js';
import type { LogLevel } from '../core/settings/settings.js';
import { systemClock } from '../core/time/clock.js';
import { within } from '../core/time/within.js';
import { DISMISSAL } from '../core/worker/controlMessages.js';
import { LocalHost } from '../core/worker/LocalHost.js';
import { Admin } from './admin/Admin.js';
import { DataDir } from './dataDir/DataDir.js';
import { CommandRecord } from './discord/CommandRecord.js';
import { CommandRegistrar } from './discord/CommandRegistrar.js';
import { DiscordApi } from './discord/DiscordApi.js';
import { type DiscoveredBot, Discovery } from './discord/Discovery.js';
import { type DiscordAccess, openDiscord } from './discord/openDiscord.js';
import { ClusterEvents } from './events/ClusterEvents.js';
import { clusterEventTable } from './events/clusterEventTable.js';
import type { ClusterConnection } from './fleet/ClusterConnection.js';
import { ClusterPool } from './fleet/ClusterPool.js';
import { ClusterRegistry } from './fleet/ClusterRegistry.js';
import { chooseClusterSettings } from './fleet/ClusterSettings.js';
import { createSpares } from './fleet/createSpares.js';
import { FleetCommands } from './fleet/FleetCommands.js';
import { ReadinessLog } from './fleet/ReadinessLog.js';
import type { Spare } from './fleet/SpareClusters.js';
import { StatusReporter } from './fleet/StatusReporter.js';
import { IdentifyBudgetStore } from './identify/IdentifyBudgetStore.js';
import { IdentifyQueue } from './identify/IdentifyQueue.js';
import { JobBook } from './jobs/JobBook.js';
import { JobScheduler } from './jobs/JobScheduler.js';
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
  /** Called when somebody asks the admin API to stop the whole bot. Default: nothing happens. */
  readonly onStopRequested?: () => void;
  /** The clusters' program: a file, or a name that is looked up beside the running program. Default `cluster`. */
  readonly cluster?: string | URL;
  /**
   * Adds the bot's own parts to the master. Called at the end of the start, while the clusters are starting. What it throws fails
   * the start. What it returns stops the parts: it is called before anything else is stopped, and waited for at most
   * DRAIN_TIMEOUT.
   */
  readonly setUp?: (master: Master) => StopParts | void | Promise<StopParts | undefined> | Promise<void>;
  /** Whether clusters that were taken over are replaced one after the other, because they run the old code. Default false. */
  readonly rollsAfterTakeOver?: boolean;
}

/** How long the look at a process that hangs may take before it is killed, in milliseconds. */
const STACK_TIMEOUT_MS = 900;

/**
 * Composition root of the master process. It builds the parts, starts them in order and stops them in reverse. It holds no gateway
 * connection itself.
 */
export class Master {
  /** Resolves when Discord refuses the bot for good. Everything has to end then. */
  public readonly refused: Promise<DiscordRefusedError>;
  readonly #options: MasterOptions;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #dataDir: DataDir;
  readonly #server = new IpcServer();
  readonly #startedAt = systemClock.now();
  /** Undone by `stop`, last first. */
  readonly #undo: (() => void | Promise<void>)[] = [];
  #starting: Promise<void> = Promise.resolve();
  #resolveRefused: (error: DiscordRefusedError) => void = () => undefined;
  #stopping: Promise<void> | undefined;
  #keepsClusters = false;
  readonly #stopRequested = new AbortController();

  readonly #admin: Admin | undefined;

  public constructor(options: MasterOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#config = config;
    this.#logger = logger;
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
   * Brings the bot up. Resolves when its clusters are being spawned; they get ready in their own time.
   *
   * @throws ConfigError where DATA_DIR or the counts do not fit, DiscordRefusedError for a wrong token. An unreachable Discord is no
   * error: the master logs it, and tries again until `stop` is called.
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
    const discord = await openDiscord(this.#config, this.#dataDir.path, this.#logger);
    this.#undo.push(() => discord.close());
    registerSecret(discord.token);
    const api = new DiscordApi({ token: discord.token, apiUrl: discord.apiUrl });
    this.#undo.push(() => api.close());
    const discovery = new Discovery({ ...discord, api, logger: this.#logger });
    const registry = new ClusterRegistry({ dataDir: this.#dataDir.path, logger: this.#logger });
    const hasLeftClusters = registry.load();
    // Clusters that wait for a master must not have to wait for Discord too.
    const remembered = hasLeftClusters ? discovery.remembered() : undefined;
    const bot = remembered ?? (await discovery.ask(this.#stopRequested.signal));
    // Clusters that an earlier master has left are taken over even during a stop: otherwise nobody would stop them.
    if (!hasLeftClusters) this.#stopRequested.signal.throwIfAborted();
    await this.#server.listen(this.#dataDir.socketPath());
    this.#undo.push(() => this.#server.close());
    await this.#run(discord, api, bot, remembered === undefined, registry);
  }

  /**
   * Stops everything in order. Resolves when no process and no socket of ours is left. Idempotent. It makes a start that is under
   * way fail, after that has taken over the clusters of an earlier master: they are stopped too.
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
    // Nobody would stop what a start builds after this. A start that hangs in the bot's own parts is not waited for for ever.
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
    discord: DiscordAccess,
    api: DiscordApi,
    { gateway, application }: DiscoveredBot,
    isFresh: boolean,
    registry: ClusterRegistry,
  ): Promise<void> {
    const { status } = this.#options;
    const layout = new Layout({ ...discord, logger: this.#logger });
    const laidOut = layout.load();
    const settings = chooseClusterSettings(discord, {
      shardCount: this.#config.shardCount,
      clusterCount: discord.clusterCount,
      left: registry,
      laidOut,
      recommended: gateway.shards,
    });
    const { shardCount, clusterCount } = settings;
    layout.begin(laidOut);
    registry.begin(settings);
    const hearRecommendation = (recommended: number): void => {
      if (this.#config.shardCount === 'auto') layout.compare(shardCount, recommended);
    };
    if (isFresh) hearRecommendation(gateway.shards);
    const ownerIds = discord.ownerIds ?? application?.ownerIds ?? [];
    const queue = new IdentifyQueue({
      store: new IdentifyBudgetStore(discord.dataDir, this.#logger),
      logger: this.#logger,
      shardCount,
      refresh: async (signal) => {
        const { shards, sessionStartLimit } = await api.getGateway(signal);
        hearRecommendation(shards);
        return sessionStartLimit;
      },
      identifyIntervalMs: discord.identifyIntervalMs,
      // Longer than eris waits for a connection (30 s): a slot that counts as used must not be used after that.
      slotTimeoutMs: 60_000,
    });
    // A limit that was remembered is outdated: the earlier master has spent some of it.
    queue.start(isFresh ? gateway.sessionStartLimit : undefined);
    this.#undo.push(() => queue.stop());

    const processOptions = {
      memoryMb: this.#config.clusterMemoryMb,
      compileCache: join(discord.dataDir, 'compile-cache'),
    };
    const host = new LocalHost(this.#server);
    const spares = createSpares({
      config: this.#config,
      processOptions,
      host,
      entrypoint: this.#options.cluster,
      registry: registry.spares,
      fleet: () => ({ clusters, supervisor }),
      logger: this.#logger,
    });
    const clusters: ClusterPool = new ClusterPool({
      shardCount,
      clusterCount,
      spawnTimeoutMs: this.#config.spawnTimeoutMs,
      drainTimeoutMs: this.#config.drainTimeoutMs,
      ...processOptions,
      entrypoint: this.#options.cluster,
      host: spares,
      registry,
      observer: this.#admin?.observer,
      isQueued: ({ shardIds }) => queue.state().waiting.some((key) => key.shardIds.some((id) => shardIds.includes(id))),
      logger: this.#logger,
    });
    clusters.on('killedworker', (cluster) => queue.releaseHolder(cluster.holder));
    const ends = new ProcessEnds(clusters);
    const supervisor: Supervisor = new Supervisor({
      clusters,
      logger: this.#logger,
      onRefused: (error) => this.#resolveRefused(error),
      sampleStack: async (cluster) => {
        const stack = await sampleStack(cluster, STACK_TIMEOUT_MS);
        ends.noteHung(cluster, stack);
        return stack;
      },
    });
    const watch = { hungAfterMs: this.#config.hungAfterMs, logger: this.#logger };
    const vitals = new VitalsMonitor<ClusterConnection>({ clusters, supervisor, ...watch });
    const spareVitals = new VitalsMonitor<Spare>({ clusters: spares, supervisor: spares, ...watch });
    const handover = new Handover({ clusters, logger: this.#logger });
    const jobs = new JobScheduler({
      clusters,
      book: new JobBook(discord.dataDir, this.#logger),
      endOf: (pid) => ends.find(pid),
      onOutcome: (job, outcome) => this.#admin?.noteJobRun(job, outcome),
      logger: this.#logger,
    });
    const restart = new FleetRestart({
      clusters,
      queue,
      spares,
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
      token: discord.token,
      apiUrl: discord.apiUrl,
      gatewayUrl: gateway.url,
      shardIds: cluster.shardIds,
      shardCount,
      clusterCount,
      ownerIds,
      logLevel: this.#logger.level as LogLevel,
      drainTimeoutMs: this.#config.drainTimeoutMs,
      dataDir: discord.dataDir,
      resumeWindowMs: this.#config.resumeWindowMs,
      orphanGraceMs: this.#config.orphanGraceMs,
      deafAfterMs: this.#config.deafAfterMs,
    });

    this.#startServices([
      handover,
      ends,
      jobs,
      vitals,
      spareVitals,
      new ReadinessLog({ clusters, logger: this.#logger, clock: systemClock, startedAt: this.#startedAt }),
      new ClusterEvents(clusters, clusterEventTable({ assign, handover, ends, jobs, queue, supervisor, fleet })),
      ...(status === undefined ? [] : [new StatusReporter(status, clusters, fleet, this.#logger)]),
    ]);
    this.#undo.push(() => restart.settled());
    this.#undo.push(async () => {
      // At the same time: a cluster may be about to become one of them.
      await Promise.all([spares.stop(), this.#keepsClusters ? clusters.detachAll() : clusters.killAll()]);
    });
    // Clusters that are left to a new master go on with their runs. Those that stop still say how theirs ended.
    this.#undo.push(() => (this.#keepsClusters ? jobs.stop() : jobs.close()));
    this.#undo.push(() => restart.stop());
    this.#admin?.watch({ clusters, spares, queue, supervisor, restart, commands: fleet });
    if (application !== undefined) {
      const record = new CommandRecord(discord.dataDir, this.#logger);
      const registrar = new CommandRegistrar(api, record, this.#logger);
      clusters.once('spawnedworker', (cluster) => void registrar.registerFrom(cluster, application.id));
    }
    clusters.on('spawnedworker', ({ arrivals }) => arrivals.length > 0 && layout.commit(shardCount));
    const taken = await registry.takeOver(clusters, settings);
    if (taken.length > 0) layout.commit(shardCount);
    // All that are known have come by now. During a stop nobody is sent away: another master may take them.
    this.#server.tellStrangers(DISMISSAL);
    this.#undo.push(() => this.#server.tellStrangers(undefined));
    this.#stopRequested.signal.throwIfAborted();
    jobs.begin();
    this.#logger.info({ shards: shardCount, clusters: clusterCount }, 'starting clusters');
    supervisor.start();
    spares.start();
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

  #startServices(services: readonly BaseService[]): void {
    for (const service of services) {
      void service.start();
      this.#undo.push(() => service.stop());
    }
  }

  async #evaluate(code: string, clusters: ClusterPool): Promise<EvalResult> {
    return { target: 'master', ...(await evaluateCode(code, { scope: { master: this, clusters }, scrub })) };
  }
}

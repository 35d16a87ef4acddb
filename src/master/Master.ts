import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../core/config.js';
import type { ClusterAssignment, EvalResult } from '../core/contracts/ClusterContract.js';
import { ConfigError, type DiscordRefusedError, KallistiError } from '../core/errors.js';
import { evaluateCode } from '../core/evaluate.js';
import { IpcServer } from '../core/ipc/IpcServer.js';
import type { Logger } from '../core/logger.js';
import type { StatusLine } from '../core/StatusLine.js';
import { registerSecret, scrub } from '../core/secrets.js';
import type { BaseService } from '../core/services/BaseService.js';
import type { LogLevel } from '../core/settings.js';
import type { ClusterConnection } from './ClusterConnection.js';
import { ClusterPool } from './ClusterPool.js';
import { CommandRegistrar } from './CommandRegistrar.js';
import { DataDir } from './DataDir.js';
import { type ApplicationInfo, DiscordApi, type GatewayInfo } from './DiscordApi.js';
import { AcquireShardsService } from './events/AcquireShardsService.js';
import { AcquireSlotService } from './events/AcquireSlotService.js';
import { DiscordRefusedService } from './events/DiscordRefusedService.js';
import { EvaluateService } from './events/EvaluateService.js';
import { FindChannelService } from './events/FindChannelService.js';
import { FindGuildService } from './events/FindGuildService.js';
import { FindUserService } from './events/FindUserService.js';
import { GetAssignmentService } from './events/GetAssignmentService.js';
import { GetFleetStatsService } from './events/GetFleetStatsService.js';
import { ReleaseSlotService } from './events/ReleaseSlotService.js';
import { RestartService } from './events/RestartService.js';
import { SetLogLevelService } from './events/SetLogLevelService.js';
import { FleetRestart } from './FleetRestart.js';
import { FleetStatsCollector } from './FleetStatsCollector.js';
import { Handover } from './Handover.js';
import { IdentifyBudgetStore } from './IdentifyBudgetStore.js';
import { IdentifyQueue } from './IdentifyQueue.js';
import { LocalDiscord } from './LocalDiscord.js';
import { StatusReporter } from './StatusReporter.js';
import { Supervisor } from './Supervisor.js';
import { clusterCountFor } from './shardRanges.js';

export interface MasterOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Where a terminal shows how things stand. Default: nowhere. */
  readonly status?: StatusLine;
}

/** What the master runs against: Discord, or the local one. */
interface Target {
  readonly token: string;
  readonly apiUrl: string;
  readonly ownerIds: readonly string[] | undefined;
  readonly identifyIntervalMs: number;
  readonly clusterCount: number | 'auto';
  readonly dataDir: string;
}

/** The local Discord of `npm start` without a token: a bot of some size, and logins as fast as it allows. */
const LOCAL = { guilds: 4_000, shards: 8, clusters: 4, identifyIntervalMs: 100, commandsPerSecond: 5 } as const;

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
  readonly #stopRequested = new AbortController();

  public constructor({ config, logger, status }: MasterOptions) {
    this.#config = config;
    this.#logger = logger;
    this.#status = status;
    this.#dataDir = new DataDir(config.dataDir);
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
    const target = await this.#findTarget();
    registerSecret(target.token);
    const api = new DiscordApi({ token: target.token, apiUrl: target.apiUrl });
    this.#undo.push(() => api.close());
    const gateway = await api.waitForGateway(this.#stopRequested.signal, ({ attempt, delayMs, error }) => {
      this.#logger.warn({ attempt }, `${error.message}; trying again in ${Math.round(delayMs / 1000)} s`);
    });
    const application = await this.#findApplication(api);
    this.#stopRequested.signal.throwIfAborted();
    await this.#server.listen(this.#dataDir.socketPath());
    this.#undo.push(() => this.#server.close());
    this.#run(target, api, gateway, application);
  }

  /** Stops everything, in order. Resolves when no process and no socket of ours is left. Idempotent. */
  public stop(): Promise<void> {
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

  async #findTarget(): Promise<Target> {
    const { token, apiUrl, ownerIds, identifyIntervalMs, clusterCount } = this.#config;
    if (token !== undefined) {
      return {
        token: token.reveal(),
        apiUrl,
        ownerIds,
        identifyIntervalMs,
        clusterCount,
        dataDir: this.#dataDir.path,
      };
    }
    const discord = new LocalDiscord(this.#logger, [
      ...['--guilds', String(LOCAL.guilds), '--shards', String(LOCAL.shards)],
      ...['--identify-interval', String(LOCAL.identifyIntervalMs)],
      ...['--commands-per-second', String(LOCAL.commandsPerSecond)],
    ]);
    this.#undo.push(() => discord.stop());
    const address = await discord.start();
    // What the local Discord is asked to allow, it keeps no longer than it runs: nothing of it may mix with a real bot's state.
    const dataDir = new DataDir(join(this.#dataDir.path, 'local-discord'));
    dataDir.prepare();
    return {
      token: address.token,
      apiUrl: address.url,
      ownerIds: ownerIds ?? [address.ownerId],
      identifyIntervalMs: LOCAL.identifyIntervalMs,
      clusterCount: clusterCount === 'auto' ? LOCAL.clusters : clusterCount,
      dataDir: dataDir.path,
    };
  }

  async #findApplication(api: DiscordApi): Promise<ApplicationInfo | undefined> {
    try {
      return await api.getApplication();
    } catch (error) {
      if (error instanceof KallistiError && error.code === 'DISCORD_REFUSED') throw error;
      this.#logger.warn(
        { err: error },
        'the application could not be read: no slash commands, and only OWNER_IDS are owners',
      );
      return undefined;
    }
  }

  #run(target: Target, api: DiscordApi, gateway: GatewayInfo, application: ApplicationInfo | undefined): void {
    const shardCount = this.#config.shardCount === 'auto' ? gateway.shards : this.#config.shardCount;
    const clusterCount = checkedClusterCount(target.clusterCount, shardCount);
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
      isQueued: ({ shardIds }) => queue.state().waiting.some((key) => key.shardIds.some((id) => shardIds.includes(id))),
      logger: this.#logger,
    });
    clusters.on('killedworker', (cluster) => queue.releaseHolder(cluster.holder));
    const supervisor = new Supervisor({
      clusters,
      logger: this.#logger,
      onRefused: (error) => this.#resolveRefused(error),
    });
    const handover = new Handover({ clusters, logger: this.#logger });
    const stats = new FleetStatsCollector(clusters, queue);
    const restart = new FleetRestart({ clusters, queue, api, logger: this.#logger });
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
    });

    this.#startServices([
      handover,
      new GetAssignmentService(clusters, assign),
      new AcquireShardsService(clusters, handover),
      new AcquireSlotService(clusters, queue, ({ id }) => (supervisor.recovering.has(id) ? 'recovery' : 'start')),
      new ReleaseSlotService(clusters, queue),
      new DiscordRefusedService(clusters, supervisor),
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
    this.#undo.push(() => clusters.killAll());
    this.#undo.push(() => restart.stop());
    this.#announceReady(clusters, api, application);
    this.#logger.info({ shards: shardCount, clusters: clusterCount }, 'starting clusters');
    supervisor.start();
    this.#undo.push(() => supervisor.stop());
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

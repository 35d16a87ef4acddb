import type {
  ClusterAssignment,
  ClusterContract,
  ProcessEnd,
  ReleasedShards,
} from '../core/contracts/ClusterContract.js';
import { DiscordRefusedError, NoHandlerError } from '../core/errors.js';
import { registerSecret, scrub } from '../core/log/secrets.js';
import { systemClock } from '../core/time/clock.js';
import { LoopLagMeter } from '../core/time/LoopLagMeter.js';
import { BaseWorker } from '../core/worker/BaseWorker.js';
import { restoreState, saveState } from './botState.js';
import type { ClusterContext } from './ClusterContext.js';
import type { ClientAdapter, ClientFactory } from './clients/ClientAdapter.js';
import type { ErisClient, ErisOptions } from './clients/eris/eris.js';
import type { Command } from './commands/Command.js';
import { CommandRouter } from './commands/CommandRouter.js';
import { type CommandDependencies, createCommands } from './commands/commands.js';
import { DispatchRunner, type EventRules } from './dispatch/DispatchRunner.js';
import { Repeater } from './dispatch/Repeater.js';
import { asFramework, currentRun } from './dispatch/Run.js';
import { sendOnce } from './dispatch/sendOnce.js';
import { evaluateIn, type MasterEventTable, masterEventTable } from './events/masterEventTable.js';
import { Gateway } from './gateway/Gateway.js';
import { GatewayLog } from './gateway/GatewayLog.js';
import type { GatewayOptions } from './gateway/GatewayOptions.js';
import type { Job } from './jobs/Job.js';
import { JobRunner } from './jobs/JobRunner.js';
import { Ownership } from './Ownership.js';
import { ArrivalLog } from './stats/ArrivalLog.js';
import { getStats } from './stats/getStats.js';
import { RestMeter } from './stats/RestMeter.js';
import { ShardStores } from './store/ShardStores.js';

export interface ClusterWorkerOptions<C = ErisClient> extends ErisOptions {
  /** Makes the bot's client. Default: one of eris, with `intents` and `clientOptions`, which mean nothing beside another. */
  readonly client?: ClientFactory<C>;
  /** Makes the bot's commands. Default: those of `commands/`. */
  readonly commands?: (dependencies: CommandDependencies) => readonly Command<NoInfer<C>>[];
  /** Called once before the shards log in: the place for the bot's own listeners. */
  readonly setUp?: (client: C, context: ClusterContext<C>) => void | Promise<void>;
  /** Work on a schedule. Each run is on one cluster of the fleet. Default: none. */
  readonly jobs?: readonly Job<NoInfer<C>>[];
  /**
   * What becomes of work on a dispatch that is interrupted by a crash, by Discord's name of the dispatch (`MESSAGE_CREATE`):
   * `again`, or `drop`. `onCrash()` says it of one listener. Default: all of it runs again.
   */
  readonly onCrash?: EventRules;
  /**
   * What the bot holds in memory and its successor should know (collectors, games, timers), as JSON. Called in a handover,
   * after the last event was handled here; what takes long prolongs the pause. A crash hands nothing over.
   *
   * Where it throws, takes longer than 2 s, or returns what is no JSON, the handover fails: this process serves on.
   */
  readonly saveState?: () => unknown;
  /**
   * Takes what the predecessor's `saveState` returned. Called before the first event is handled here. Where it throws or takes
   * longer than 2 s, this process ends, and the predecessor takes its shards back.
   */
  readonly restoreState?: (state: unknown) => void | Promise<void>;
}

/** The part of a stop's time that is kept back for its end, in milliseconds. */
const STOP_MARGIN_MS = 500;

/**
 * A cluster: the worker that holds shards. Its start asks the master what to do, prepares, takes over its shards, logs them
 * in, and says `ready` when all of them are. Its stop closes them so that their sessions can be resumed, and lets running
 * commands finish.
 */
export class ClusterWorker<C = ErisClient> extends BaseWorker<ClusterContract> {
  readonly #options: ClusterWorkerOptions<C>;
  readonly #aborted = new AbortController();
  #gateway: Gateway<C> | undefined;
  #router: CommandRouter | undefined;
  #stores: ShardStores | undefined;
  readonly #arrivals = new ArrivalLog();
  readonly #loopLag = new LoopLagMeter();
  readonly #rest = new RestMeter();
  readonly #dispatches: DispatchRunner;
  readonly #jobs: JobRunner<C>;
  readonly #ownership = new Ownership((error) => this.logger.error({ err: error }, 'whileOwned() of the bot threw'));
  #repeater: Repeater | undefined;
  #drainTimeoutMs = 0;
  /** 0 until it is ready: a cluster that is starting needs its master. */
  #orphanGraceMs = 0;
  #hasReleased = false;
  #lastMove: Promise<unknown> = Promise.resolve();
  #stop: Promise<void> | undefined;

  public constructor(options: ClusterWorkerOptions<C> = {}) {
    super();
    this.#options = options;
    this.#dispatches = new DispatchRunner(options.onCrash);
    this.#jobs = new JobRunner<C>({
      jobs: options.jobs ?? [],
      logger: () => this.logger,
      onOpen: (run) => this.#dispatches.changed(run),
      report: (end) => this.request('jobRunEnded', end, { timeoutMs: Number.POSITIVE_INFINITY }),
    });
  }

  public override async start(): Promise<void> {
    // A spare waits in the request below, and loads what it needs before that.
    if (this.#options.client === undefined) await import('./clients/eris/eris.js');
    const assignment = await this.request('getAssignment', undefined);
    const startedAt = performance.now();
    registerSecret(assignment.token);
    this.logger.level = assignment.logLevel;
    this.#drainTimeoutMs = Math.max(0, assignment.drainTimeoutMs - STOP_MARGIN_MS);
    const stores = new ShardStores({
      assignment,
      logger: this.logger,
      endOf: (pid) => this.#endOf(pid),
      onGivenUp: ({ t, d }) => this.#router?.tellGivenUp(String(t), d),
      onOpen: (dispatch) => this.#dispatches.changed(dispatch),
    });
    this.#stores = stores;
    const { signal } = this.#aborted;
    const gateway = await this.#createGateway(assignment, stores);
    // A stop does not wait for the start: after each wait for somebody else's code it is looked for here.
    signal.throwIfAborted();
    const context = this.#createContext(assignment, gateway);
    const evaluateHere = evaluateIn(context, scrub);
    const commands = (this.#options.commands ?? createCommands)({ evaluate: evaluateHere });
    const router = new CommandRouter({
      context,
      // A repeated command answers once by itself.
      rest: { request: (...request) => asFramework(() => gateway.adapter.request(...request)) },
      identity: () => gateway.identity,
      commands,
      logger: this.logger,
      scrub,
      runCommand: (facts, { onCrash = 'again' }, run) =>
        this.#dispatches.runCommand(facts.name, onCrash, async (attempt) => {
          const startedAt = performance.now();
          await run(attempt);
          this.logger.debug({ ...facts, durationMs: Math.round(performance.now() - startedAt) }, 'command ended');
        }),
    });
    this.#gateway = gateway;
    gateway.adapter.onRest((status, latencyMs) => this.#rest.note(status, latencyMs));
    this.#loopLag.start();
    this.#dispatches.start();
    this.#router = router;
    this.#serve(
      masterEventTable({
        clusterId: this.id,
        shardCount: assignment.shardCount,
        client: gateway.adapter,
        commands,
        logger: this.logger,
        evaluate: evaluateHere,
        getStats: getStats({
          clusterId: this.id,
          startedAt,
          client: gateway.adapter,
          commands: router,
          gateway,
          stores,
          loopLag: this.#loopLag,
          rest: this.#rest,
        }),
        runJob: (run) => void this.#jobs.run(run, context),
        releaseShards: () => this.#inTurn(() => this.#release(gateway, stores)),
        adoptShards: () => this.#inTurn(() => this.#takeBack(gateway, stores)),
      }),
    );
    await this.#options.setUp?.(gateway.client, context);
    // An end of the process after `open` would count against the store.
    signal.throwIfAborted();
    router.start();

    // After the bot's own code: where that ends the process again and again, it is not the store that is to blame.
    await stores.open();
    await stores.hydrate(gateway);
    // Everything that can fail without Discord has been done: from the reply on, the shards are nobody else's.
    const released = await this.request('acquireShards', undefined, { timeoutMs: Number.POSITIVE_INFINITY, signal });
    this.#arrivals.releasedAt = released?.releasedAt;
    const restore = this.#options.restoreState;
    if (released?.state !== undefined && restore !== undefined) await restoreState(restore, released.state);
    signal.throwIfAborted();
    const sessions = await stores.takeOver(released?.sessions);
    signal.throwIfAborted();
    this.#ownership.gained();
    await gateway.connect(sessions, signal);
    this.send('shardsArrived', this.#arrivals.arrivals);
    this.#repeater = this.#createRepeater(gateway, stores);
    this.#repeater.start();
    await this.#declareJobs();
    await super.start();
    this.#orphanGraceMs = assignment.orphanGraceMs;
  }

  /**
   * Takes no more events, keeps every session resumable, and lets the listeners and commands that run finish until the drain
   * deadline. What does not, or is cut off on the way, stays in the store as unfinished: the next process runs it again.
   */
  public override stop(): Promise<void> {
    this.#stop ??= this.#tearDown();
    return this.#stop;
  }

  /** Serves on, and waits for a new master. Where none comes in time it stops, and its sessions can be resumed. */
  protected override async masterLost(): Promise<void> {
    // One that has let go of its shards has nothing to serve; its successor, or the next start, goes on from the store. The same
    // is true of one that stops.
    const serves = this.#orphanGraceMs > 0 && !this.#hasReleased && this.#stop === undefined;
    if (this.#gateway === undefined || !serves) return super.masterLost();
    this.logger.warn({ graceMs: this.#orphanGraceMs }, 'the master is gone; serving on, and looking for a new one');
    if (await this.reattach(this.#orphanGraceMs)) {
      this.logger.info('a new master has taken this cluster over');
      for (const status of this.#gateway.statuses()) this.#tell(() => this.send('shardStateChanged', status));
      await this.#declareJobs().catch((error: unknown) => {
        this.logger.debug({ err: error }, 'the new master could not be told of the jobs');
      });
    } else if (this.#stop === undefined) {
      await super.masterLost();
    }
  }

  async #tearDown(): Promise<void> {
    this.#aborted.abort(new Error('the cluster was told to stop'));
    this.#ownership.lost();
    this.#repeater?.stop();
    this.#router?.stop();
    this.#jobs.refuse();
    this.#gateway?.release();
    this.#stores?.disconnected();
    const unfinished = await this.#dispatches.drain(this.#drainTimeoutMs);
    this.#jobs.interrupt();
    if (unfinished.length > 0) {
      const names = [...new Set(unfinished.map(({ name }) => name))];
      const message = 'stopped while work on events was still going on: the next process does it again';
      this.logger.warn({ unfinished: unfinished.length, names }, message);
    }
    // First: the end of the client makes listeners fail that wait for it, and these are not finished by that.
    await this.#stores?.close();
    await this.#gateway?.stop();
    this.#loopLag.stop();
    this.#dispatches.stop();
    await super.stop();
  }

  /**
   * Lets go of the shards: for a successor in a handover. Listeners and commands that run go on, and answer over REST.
   *
   * The sockets are closed first: what `saveState` returns is then as of the last event that was handled here, and none is
   * missing in it. The stores are released last, because only that cannot be undone without loss: a released store has
   * given its work away. So where `saveState` fails, this process goes on as after any lost connection.
   *
   * @throws KallistiError HANDOVER_FAILED where `saveState` fails; the shards are this process's then as before.
   */
  async #release(gateway: Gateway<C>, stores: ShardStores): Promise<ReleasedShards> {
    this.#hasReleased = true;
    this.#ownership.lost();
    this.#repeater?.stop();
    const sessions = gateway.release();
    const releasedAt = Date.now();
    try {
      // Where this process ends or blocks in `saveState`, its successor goes on from the files.
      stores.commit();
      const saved = await saveState(this.#options.saveState);
      stores.release();
      return { sessions, releasedAt, ...saved };
    } catch (error) {
      this.logger.error({ err: error }, 'the state of the bot could not be saved: this process keeps its shards');
      this.#reconnect(gateway);
      throw error;
    }
  }

  /** Takes released shards back: the successor failed. Does nothing where none are released. */
  async #takeBack(gateway: Gateway, stores: ShardStores): Promise<undefined> {
    if (!this.#hasReleased) return;
    await stores.takeOver();
    this.#reconnect(gateway);
  }

  /** Not awaited: where the gateway is out of reach it goes on trying, and no other process would fare better. */
  #reconnect(gateway: Gateway): void {
    this.#hasReleased = false;
    if (this.#stop !== undefined) return;
    this.#ownership.gained();
    this.#repeater?.start();
    gateway.adopt().catch((error: unknown) => {
      if (error instanceof DiscordRefusedError) this.#refused(error);
      else this.logger.debug({ err: error }, 'the shards were released again before they were all back');
    });
  }

  #refused({ message }: DiscordRefusedError): void {
    this.#tell(() => this.send('discordRefused', { message }));
  }

  /** A successor may fail while the shards are still being released: they are given back after that, and not meanwhile. */
  #inTurn<T>(move: () => Promise<T>): Promise<T> {
    const done = this.#lastMove.then(move, move);
    this.#lastMove = done;
    return done;
  }

  async #declareJobs(): Promise<void> {
    const declaration = this.#jobs.declaration();
    if (declaration === undefined) return;
    try {
      await this.request('declareJobs', declaration, { timeoutMs: Number.POSITIVE_INFINITY });
      this.#jobs.confirmed(declaration);
    } catch (error) {
      if (!(error instanceof NoHandlerError)) throw error;
      this.logger.warn('the master is of an earlier version and starts no jobs; upgrade it');
    }
  }

  async #createClient(assignment: ClusterAssignment, token: string, log: GatewayLog): Promise<ClientAdapter<C>> {
    const { apiUrl, shardIds, shardCount } = assignment;
    // Loaded only where it is used.
    const factory = this.#options.client ?? (await import('./clients/eris/eris.js')).eris(this.#options);
    // Without `client`, C is eris's.
    return (factory as ClientFactory<C>)({
      token,
      apiUrl,
      shardIds,
      shardCount,
      log,
      callListener: (listener, call) => this.#dispatches.callListener(listener, call),
      sendRequest: sendOnce,
    });
  }

  async #createGateway(assignment: ClusterAssignment, stores: ShardStores): Promise<Gateway<C>> {
    const token = assignment.token.replace(/^Bot /, '');
    const log = new GatewayLog(this.logger, token);
    const options: GatewayOptions = {
      token,
      gatewayUrl: assignment.gatewayUrl,
      shardIds: assignment.shardIds,
      shardCount: assignment.shardCount,
      timings: { handshakeTimeoutMs: assignment.deafAfterMs, deafAfterMs: assignment.deafAfterMs },
      acquireSlot: async (shardId, signal) => {
        const { slotId } = await this.request(
          'acquireSlot',
          { shardId },
          { timeoutMs: Number.POSITIVE_INFINITY, signal },
        );
        return { release: (used) => this.#tell(() => this.send('releaseSlot', { slotId, used })) };
      },
      judgeDispatch: (shardId, packet) => stores.judge(shardId, packet),
      runDispatch: (shardId, packet, text, work) => this.#dispatches.run(stores.begin(shardId, packet, text), work),
      onEvent: (shardId, packet) => this.#router?.receive(shardId, packet),
      onDispatch: (shardId, packet) => {
        stores.handled(shardId, packet);
        this.#arrivals.note(shardId, packet);
      },
      onHeartbeat: (shardId) => stores.commitShard(shardId),
      onSessionLost: (shardId) => stores.sessionLost(shardId),
      onMemberFetch: (shardId, fetch) => stores.membersAskedFor(shardId, fetch),
      onPresence: (shardId, presence) => stores.presenceSet(shardId, presence),
      onShardState: (status) => this.#tell(() => this.send('shardStateChanged', status)),
      onDeaf: (shardId, reason) => this.#tell(() => this.send('shardDeaf', { shardId, reason })),
      onFatal: (error) => this.#refused(error),
    };
    return new Gateway(await this.#createClient(assignment, token, log), options, log);
  }

  #createContext(assignment: ClusterAssignment, gateway: Gateway<C>): ClusterContext<C> {
    return {
      clusterId: this.id,
      clusterCount: assignment.clusterCount,
      shardCount: assignment.shardCount,
      client: gateway.client,
      master: { request: (name, data, options) => this.request(name, data, options) },
      ownerIds: new Set(assignment.ownerIds),
      latencyMs: (shardId) => gateway.latencyMs(shardId),
      hold: (work) => this.#dispatches.hold(work),
      get attempt() {
        return currentRun()?.dispatch.facts.attempt ?? 1;
      },
      whileOwned: (start) => this.#ownership.whileOwned(start),
    };
  }

  #createRepeater(gateway: Gateway, stores: ShardStores): Repeater {
    return new Repeater({
      take: () => stores.takeRepetitions(),
      isMoreToCome: () => stores.isFinishedElsewhere,
      run: ({ packet, dispatch, ran }) => {
        const { shardId, attempt, id } = dispatch.facts;
        this.logger.info({ shardId, dispatch: dispatch.name, id, attempt }, 'doing again what was left unfinished');
        gateway.repeat(shardId, packet, (emit) => this.#dispatches.run(dispatch, emit));
        ran();
      },
      clock: systemClock,
    });
  }

  #serve(table: MasterEventTable): void {
    // The types of data and reply were compared where the table was written; here they are those of any message.
    for (const name of Object.keys(table) as (keyof MasterEventTable)[]) this.on(name, table[name] as never);
  }

  /** Without a master nobody knows. */
  async #endOf(pid: number): Promise<ProcessEnd | undefined> {
    try {
      return (await this.request('getProcessEnd', { pid })) ?? undefined;
    } catch (error) {
      this.logger.debug({ err: error, pid }, 'the master could not say how a process ended');
      return undefined;
    }
  }

  /** Tells the master something that it can do without where it is gone: its end is dealt with elsewhere. */
  #tell(send: () => void): void {
    try {
      send();
    } catch (error) {
      this.logger.debug({ err: error }, 'the master could not be told');
    }
  }
}

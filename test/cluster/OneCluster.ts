import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ClusterWorker, type ClusterWorkerOptions } from '../../src/cluster/ClusterWorker.js';
import type { ClusterAssignment, ClusterContract } from '../../src/core/contracts/ClusterContract.js';
import type { ExitReason } from '../../src/core/errors.js';
import { Channel } from '../../src/core/ipc/Channel.js';
import type { ReplyFunction } from '../../src/core/ipc/contract.js';
import { Handlers } from '../../src/core/ipc/Handlers.js';
import { type Hello, IpcServer } from '../../src/core/ipc/IpcServer.js';
import { FAILED, READY, STOP, STOPPED } from '../../src/core/worker/controlMessages.js';
import type { WorkerEnvironment } from '../../src/core/worker/WorkerEnvironment.js';
import type { Simulator } from '../../src/simulator/index.js';
import { memoryLogger } from '../support/memoryLogger.js';
import { FakeAdapter } from './FakeAdapter.js';
import { startSimulator } from './gateway/support.js';

type ToMaster = keyof ClusterContract['toMaster'];
type Answer = (data: never, reply: ReplyFunction<unknown>) => unknown;

const SECRET = 'the secret of the only worker';
const ENDED: ExitReason = { code: 0, signal: null };
/** Never answers. */
export const NEVER = (): Promise<never> => new Promise(() => undefined);

/** A promise and what resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** The master's end of the socket, on which one worker is expected. */
export class FakeMaster {
  /** What it was told and asked, in order. */
  public readonly said: string[] = [];
  public readonly events: { readonly name: string; readonly data: unknown }[] = [];
  /** What the worker said of itself when it connected. */
  public hello: Hello | undefined;
  public slotsOut = 0;
  readonly #server = new IpcServer();
  readonly #handlers = new Handlers();
  readonly #answers: Partial<Record<ToMaster, Answer>>;
  #channel: Channel | undefined;

  public constructor(assignment: ClusterAssignment, answers: Partial<Record<ToMaster, Answer>> = {}) {
    this.#answers = {
      getAssignment: () => assignment,
      acquireSlot: () => ({ slotId: `slot ${++this.slotsOut}` }),
      acquireShards: () => null,
      getProcessEnd: () => null,
      ...answers,
    };
    for (const name of ['getAssignment', 'acquireSlot', 'acquireShards', 'getProcessEnd'] as const) {
      this.#handlers.add(
        name,
        ((data: never, _id: string, reply: ReplyFunction<unknown>) => {
          this.said.push(name);
          return this.#answers[name]?.(data, reply);
        }) as never,
        false,
      );
    }
    for (const name of [
      'shardsArrived',
      'shardStateChanged',
      'releaseSlot',
      'discordRefused',
      READY,
      STOPPED,
      FAILED,
    ]) {
      this.#handlers.add(
        name,
        ((data: unknown) => {
          this.said.push(name);
          this.events.push({ name, data });
          if (name === 'releaseSlot') this.slotsOut--;
        }) as never,
        false,
      );
    }
  }

  public async listen(path: string): Promise<void> {
    await this.#server.listen(path);
    this.#server.expect((transport, hello) => {
      this.hello = hello;
      const channel = new Channel({
        transport,
        handlers: this.#handlers,
        peer: 'the cluster',
        onEventError: (_name, error) => this.said.push(String(error)),
        onClosed: () => channel.end(ENDED),
      });
      this.#channel = channel;
      channel.open();
    }, SECRET);
  }

  /** The order of what it was told, without what depends on timing: slots and states of shards. */
  public get order(): string[] {
    return this.said.filter((name) => !['acquireSlot', 'releaseSlot', 'shardStateChanged'].includes(name));
  }

  public get isConnected(): boolean {
    return this.#channel !== undefined && !this.#channel.closed;
  }

  public request<Name extends keyof ClusterContract['toWorker'] & string>(
    name: Name,
    data: ClusterContract['toWorker'][Name] extends { readonly data: infer Data } ? Data : unknown,
  ): Promise<unknown> {
    if (this.#channel === undefined) throw new Error('no worker has connected');
    return this.#channel.request(name, data);
  }

  public tellToStop(): void {
    this.#channel?.send(STOP, undefined);
  }

  /** As when its process is killed. */
  public async die(): Promise<void> {
    await this.#server.close();
    this.#channel?.destroy();
  }
}

export interface OneClusterOptions extends Partial<Omit<ClusterWorkerOptions<FakeAdapter>, 'client'>> {
  readonly answers?: Partial<Record<ToMaster, Answer>>;
  readonly assignment?: Partial<ClusterAssignment>;
  /** Called before the client is made. */
  readonly beforeClient?: () => void | Promise<void>;
  /** The bot's Discord and folder, of a process before it. */
  readonly after?: OneCluster;
}

class Worker extends ClusterWorker<FakeAdapter> {
  public readonly log = memoryLogger();
  /** How often it gave up on an orderly end. The tests' own process must not be ended. */
  public processEnds = 0;

  public constructor(
    options: ClusterWorkerOptions<FakeAdapter>,
    private readonly socketPath: string,
  ) {
    super(options);
  }

  public override get logger() {
    return this.log.logger;
  }

  protected override get environment(): WorkerEnvironment {
    return { id: 0, kind: 'cluster', generation: 1, socketPath: this.socketPath, secret: SECRET };
  }

  protected override endProcess(): void {
    this.processEnds++;
  }
}

/** A cluster of two shards within this process: its master and its client library are played, Discord is the simulator. */
export class OneCluster {
  public adapter: FakeAdapter | undefined;
  public readonly worker: Worker;
  public master: FakeMaster;

  private constructor(
    public readonly discord: Simulator,
    private readonly folder: string,
    private readonly socketPath: string,
    public readonly assignment: ClusterAssignment,
    { answers, beforeClient, setUp, restoreState, ...options }: OneClusterOptions,
  ) {
    this.master = new FakeMaster(assignment, answers);
    // What the bot's own code is called for is part of the order.
    const note = (name: string): void => void this.master.said.push(name);
    this.worker = new Worker(
      {
        commands: () => [],
        ...options,
        client: async (setup) => {
          await beforeClient?.();
          this.adapter = new FakeAdapter(setup);
          return this.adapter;
        },
        setUp: (client, context) => {
          note('setUp');
          return setUp?.(client, context);
        },
        restoreState: (state) => {
          note('restoreState');
          return restoreState?.(state);
        },
      },
      socketPath,
    );
  }

  /** The worker has not been started yet. It is stopped with the test. */
  public static async create(options: OneClusterOptions = {}): Promise<OneCluster> {
    const discord = options.after?.discord ?? (await startSimulator({ shardCount: 2, guildCount: 4 }));
    const folder = options.after?.folder ?? mkdtempSync(join(tmpdir(), 'cluster-'));
    const socketPath = join(mkdtempSync(join(tmpdir(), 'master-')), 'ipc.sock');
    const assignment: ClusterAssignment = {
      token: discord.token,
      apiUrl: discord.url,
      gatewayUrl: discord.gatewayUrl,
      shardIds: [0, 1],
      shardCount: 2,
      clusterCount: 1,
      ownerIds: [],
      logLevel: 'debug',
      drainTimeoutMs: 10_000,
      dataDir: folder,
      resumeWindowMs: 60_000,
      orphanGraceMs: 60_000,
      deafAfterMs: 60_000,
      ...options.assignment,
    };
    const cluster = new OneCluster(discord, folder, socketPath, assignment, options);
    await cluster.master.listen(socketPath);
    onTestFinished(async () => {
      await cluster.worker.stop().catch(() => undefined);
      await cluster.master.die();
      for (const path of [folder, join(socketPath, '..')]) rmSync(path, { recursive: true, force: true });
    });
    return cluster;
  }

  public static async serving(options: OneClusterOptions = {}): Promise<OneCluster> {
    const cluster = await OneCluster.create(options);
    await cluster.worker.start();
    return cluster;
  }

  /** A master that comes after the first one, on its socket. */
  public async newMaster(): Promise<FakeMaster> {
    this.master = new FakeMaster(this.assignment);
    await this.master.listen(this.socketPath);
    return this.master;
  }

  /** The states of the shards, as the master was last told. */
  public states(): string[] {
    const states: string[] = [];
    for (const { name, data } of this.master.events) {
      if (name !== 'shardStateChanged') continue;
      const { shardId, state } = data as { readonly shardId: number; readonly state: string };
      states[shardId] = state;
    }
    return states;
  }

  public say(content: string, shardId = 0): void {
    this.discord.sendMessage({ content, guildId: this.discord.guildIdsOfShard(shardId, 2)[0] ?? '' });
  }
}

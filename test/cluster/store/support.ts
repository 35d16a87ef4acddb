import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, Shard } from 'eris';
import { onTestFinished } from 'vitest';
import { ErisAdapter } from '../../../src/cluster/clients/eris/ErisAdapter.js';
import type { Dispatch } from '../../../src/cluster/dispatch/Dispatch.js';
import { GatewayLog } from '../../../src/cluster/gateway/index.js';
import type { HydrationTarget } from '../../../src/cluster/store/Hydration.js';
import { ShardStore, type ShardStoreOptions } from '../../../src/cluster/store/ShardStore.js';
import type { BotIdentity, GatewayPacket } from '../../../src/core/discord/packets.js';
import { type MemoryLogger, memoryLogger } from '../../support/memoryLogger.js';

export const BOT = { id: '900', username: 'bot', discriminator: '0', avatar: null, bot: true };
export const APPLICATION = { id: '901', flags: 0 };

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kallisti-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestStore {
  readonly store: ShardStore;
  readonly log: MemoryLogger;
  /** What `onGivenUp` was called with. */
  readonly givenUp: GatewayPacket[];
  /** The process of this store ends, as another one sees it. The store itself lives on, and must not be used. */
  die(): void;
}

let lastPid = 1_000_000;
const living = new Set<number>();

/** A store of a process of its own, as far as others can see, that is closed after the test. */
export async function openStore(dataDir: string, options: Partial<ShardStoreOptions> = {}): Promise<TestStore> {
  const log = memoryLogger();
  const givenUp: GatewayPacket[] = [];
  const pid = ++lastPid;
  living.add(pid);
  const store = await ShardStore.open({
    dataDir,
    shardId: 0,
    shardCount: 1,
    tokenHash: 'hash of a token',
    logger: log.logger,
    self: { pid, startedAt: null, pidNamespace: null },
    isRunning: (identity) => living.has(identity.pid),
    onGivenUp: (packet) => givenUp.push(packet),
    ...options,
  });
  let isAlive = true;
  const die = (): void => {
    isAlive = false;
    living.delete(pid);
  };
  onTestFinished(async () => {
    // What a dead process would write now must not reach the file.
    if (isAlive) await store.close();
    die();
  });
  return { store, log, givenUp, die };
}

/** Work on a dispatch that goes on until `end()`. */
export interface TestWork {
  readonly dispatch: Dispatch;
  end(): Promise<void>;
}

/** A dispatch whose listener goes on. @returns undefined where it is not handled. */
export function work(store: ShardStore, packet: GatewayPacket): TestWork | undefined {
  const verdict = store.dispatches.judge(packet);
  const dispatch = verdict === 'handle' ? store.dispatches.begin(packet, JSON.stringify(packet)) : undefined;
  let settle = (): void => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  dispatch?.hold(promise);
  store.dispatches.handled(packet);
  if (dispatch === undefined) return undefined;
  return {
    dispatch,
    end: async () => {
      settle();
      await promise;
    },
  };
}

/** Sends dispatches through a store as a gateway does. `eris` handles them in between. */
export class Feed {
  #seq = 0;

  public constructor(
    private readonly store: ShardStore,
    private readonly eris: (packet: GatewayPacket) => void = () => {},
  ) {}

  public get seq(): number {
    return this.#seq;
  }

  public ready(guildIds: readonly string[] = [], sessionId = 'session'): void {
    this.#seq = 0;
    const guilds = guildIds.map((id) => ({ id, unavailable: true }));
    const session = { session_id: sessionId, resume_gateway_url: 'wss://resume.test', private_channels: [] };
    const packet = this.#packet('READY', { ...session, user: BOT, application: APPLICATION, guilds });
    this.eris(packet);
    this.store.dispatches.handled(packet);
  }

  public dispatch(t: string, d: object): void {
    const packet = this.#packet(t, d);
    const verdict = this.store.dispatches.judge(packet);
    if (verdict !== 'handle') throw new Error(`${t} would be ${verdict}`);
    this.eris(packet);
    this.store.dispatches.handled(packet);
  }

  #packet(t: string, d: object): GatewayPacket {
    return { op: 0, t, s: ++this.#seq, d: structuredClone(d) };
  }
}

/** A stock eris client with one shard, without any connection and without an adapter's repairs of what it handles. */
export class OfflineClient implements HydrationTarget {
  public readonly client: Client;
  public readonly adapter: ErisAdapter;
  public readonly events: string[] = [];
  public identity: BotIdentity | null = null;
  readonly #shard: Shard;

  public constructor() {
    const log = new GatewayLog(memoryLogger().logger, 'token');
    this.adapter = new ErisAdapter(
      { token: 'token', apiUrl: 'http://127.0.0.1:1', shardIds: [0], shardCount: 1, log },
      { intents: ['all'] },
    );
    this.client = this.adapter.client;
    this.#shard = this.client.shards.get(0) as Shard;
    this.client.emit = (event: string) => {
      this.events.push(event);
      return true;
    };
  }

  public readonly handle = (packet: GatewayPacket): void => {
    (this.#shard as unknown as { wsEvent(packet: GatewayPacket): void }).wsEvent(packet);
    // Its guilds need not arrive within a time: the shard is ready.
    clearTimeout(this.#shard.guildCreateTimeout ?? undefined);
    this.#shard.ready = true;
  };

  public restorePresence(shardId: number, presence: object): void {
    this.adapter.restorePresence(shardId, { ...presence });
  }

  public restoreMemberFetches(): void {}

  public restoreIdentity(identity: BotIdentity): void {
    this.identity = identity;
    this.adapter.restoreIdentity(identity);
  }
}

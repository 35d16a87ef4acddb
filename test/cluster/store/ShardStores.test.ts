import { describe, expect, it, onTestFinished } from 'vitest';
import { ShardStores, type ShardStoresOptions } from '../../../src/cluster/store/ShardStores.js';
import type { ClusterAssignment } from '../../../src/core/contracts/ClusterContract.js';
import type { GatewayPacket } from '../../../src/core/discord/packets.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';
import { APPLICATION, BOT, OfflineClient, temporaryFolder } from './support.js';

const RESUME_WINDOW_MS = 180_000;

class World {
  public readonly clock = new ManualClock();
  public readonly givenUp: GatewayPacket[] = [];
  readonly #dataDir = temporaryFolder();

  /** What one process of the cluster has. */
  public async open(options: Partial<ShardStoresOptions> = {}) {
    const log = memoryLogger();
    const stores = new ShardStores({
      assignment: this.#assignment(),
      logger: log.logger,
      endOf: async () => undefined,
      onGivenUp: (packet) => this.givenUp.push(packet),
      clock: this.clock,
      wallNow: () => this.clock.wallNow(),
      steadyNow: () => this.clock.now(),
      ...options,
    });
    onTestFinished(() => stores.close());
    await stores.open();
    return { stores, log };
  }

  /** A process whose shards 0 and 1 have begun a session each. */
  public async serve(options: Partial<ShardStoresOptions> = {}) {
    const opened = await this.open(options);
    await opened.stores.takeOver();
    for (const shardId of [0, 1]) {
      send(opened.stores, shardId, ready(`session ${shardId}`));
      send(opened.stores, shardId, { op: 0, t: 'GUILD_CREATE', s: 2, d: { id: `1${shardId}`, name: 'a guild' } });
    }
    return opened;
  }

  /** How many shards a process finds resumable that starts now. */
  public async resumable(): Promise<number> {
    const { stores } = await this.open();
    const { resumable } = stores;
    await stores.close();
    return resumable;
  }

  #assignment(): ClusterAssignment {
    return {
      token: 'token',
      apiUrl: 'http://127.0.0.1:1',
      gatewayUrl: 'ws://127.0.0.1:1',
      shardIds: [0, 1],
      shardCount: 2,
      clusterCount: 1,
      ownerIds: [],
      logLevel: 'info',
      drainTimeoutMs: 1_000,
      dataDir: this.#dataDir,
      resumeWindowMs: RESUME_WINDOW_MS,
      orphanGraceMs: 0,
      deafAfterMs: 0,
    };
  }
}

function ready(sessionId: string): GatewayPacket {
  const session = { session_id: sessionId, resume_gateway_url: 'wss://resume.test' };
  return { op: 0, t: 'READY', s: 1, d: { ...session, user: BOT, application: APPLICATION, guilds: [] } };
}

const message = (s: number): GatewayPacket => ({ op: 0, t: 'MESSAGE_CREATE', s, d: { id: String(s) } });

function send(stores: ShardStores, shardId: number, packet: GatewayPacket): string {
  const verdict = stores.judge(shardId, packet);
  stores.handled(shardId, packet);
  return verdict;
}

describe('shards that are taken back', () => {
  /** A process that has served for a while, and has released its shards. */
  async function released() {
    const world = new World();
    const before = await world.serve();
    before.stores.release();
    const { stores } = await world.open();
    const client = new OfflineClient();
    const read: string[] = [];
    await stores.hydrate({
      identity: null,
      restoreIdentity: (identity) => client.restoreIdentity(identity),
      restoreMemberFetches: () => client.restoreMemberFetches(),
      restorePresence: (shardId, presence) => client.restorePresence(shardId, presence),
      adapter: {
        cacheGuild: (_shardId, { id }) => void read.push(id),
        cacheUnavailableGuild: (_shardId, id) => void read.push(id),
        uncacheGuild: (id) => void read.push(`not ${id}`),
      },
    });
    await stores.takeOver();
    for (const [shardId, id] of [
      [0, '10'],
      [1, '11'],
    ] as const)
      send(stores, shardId, { op: 0, t: 'GUILD_UPDATE', s: 3, d: { id, name: 'changed here' } });
    send(stores, 0, { op: 0, t: 'GUILD_CREATE', s: 4, d: { id: '20', name: 'joined' } });
    send(stores, 1, { op: 0, t: 'GUILD_DELETE', s: 4, d: { id: '11' } });
    stores.release();
    expect(read.splice(0)).toEqual(['10', '11']);
    return { world, stores, read };
  }

  it('read nothing where the successor has changed nothing', async () => {
    const { stores, read } = await released();
    expect(await stores.takeOver()).toHaveLength(2);
    expect(read).toEqual([]);
  });

  it('read what the successor has changed, and no more', async () => {
    const { world, stores, read } = await released();
    const { stores: successor } = await world.open();
    await successor.takeOver();
    send(successor, 0, { op: 0, t: 'GUILD_UPDATE', s: 5, d: { id: '20', name: 'changed there' } });
    send(successor, 0, { op: 0, t: 'GUILD_DELETE', s: 6, d: { id: '10' } });
    successor.release();
    // Told twice to release them.
    stores.release();
    expect(await stores.takeOver()).toHaveLength(2);
    expect(read).toEqual(['not 10', '20']);
  });
});

describe('a session that Discord has ended', () => {
  it('does not count as one to resume, neither here nor in the next process, until the shard has another', async () => {
    const world = new World();
    const { stores } = await world.serve();
    expect(stores.resumable).toBe(2);
    stores.sessionLost(1);
    expect(stores.resumable).toBe(1);
    stores.commit();
    expect(await world.resumable()).toBe(1);
    send(stores, 1, ready('another'));
    stores.commit();
    expect([stores.resumable, await world.resumable()]).toEqual([2, 2]);
  });
});

describe('shards that hear nothing', () => {
  it('stay resumable for as long as they are connected', async () => {
    const world = new World();
    const { stores } = await world.serve();
    await world.clock.advance(2 * RESUME_WINDOW_MS);
    stores.commit();
    expect(await world.resumable()).toBe(2);
  });

  it('age from the moment at which they were disconnected', async () => {
    const world = new World();
    const { stores } = await world.serve();
    await world.clock.advance(RESUME_WINDOW_MS);
    stores.disconnected();
    expect(world.clock.pendingTimers).toBe(0);
    await world.clock.advance(RESUME_WINDOW_MS - 10_000);
    expect(await world.resumable()).toBe(2);
    await world.clock.advance(10_001);
    expect(await world.resumable()).toBe(0);
  });

  it('are watched again after they were taken back', async () => {
    const world = new World();
    const { stores } = await world.serve();
    stores.release();
    expect(world.clock.pendingTimers).toBe(0);
    await stores.takeOver();
    await world.clock.advance(2 * RESUME_WINDOW_MS);
    stores.commit();
    expect(await world.resumable()).toBe(2);
    await stores.close();
    expect(world.clock.pendingTimers).toBe(0);
  });
});

/** A dispatch of a shard whose listener goes on until the promise settles. */
function work(stores: ShardStores, shardId: number, packet: GatewayPacket, until: Promise<void>): void {
  stores.judge(shardId, packet);
  stores.begin(shardId, packet, JSON.stringify(packet))?.hold(until);
  stores.handled(shardId, packet);
}

const forever = new Promise<void>(() => {});

describe('a stop', () => {
  it('has in the files what was handled until the shards were disconnected, and the ends of work after that', async () => {
    const world = new World();
    const { stores } = await world.serve();
    let finish = (): void => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    work(stores, 0, message(3), first);
    work(stores, 1, message(3), forever);
    stores.disconnected();
    finish();
    await first;
    await stores.close();
    const { stores: next } = await world.open();
    expect((await next.takeOver()).map(({ seq }) => seq)).toEqual([3, 3]);
    const left = next
      .takeRepetitions()
      .map(({ dispatch: { facts } }) => [facts.shardId, facts.seq, facts.attempt, facts.deaths]);
    expect(left).toEqual([[1, 3, 2, 0]]);
    expect(next.givenUp).toBe(0);
  });
});

describe('a dispatch', () => {
  it('of a shard that this cluster does not have is nobody’s', async () => {
    const { stores } = await new World().serve();
    expect(stores.judge(7, message(3))).toBe('handle');
    expect(stores.begin(7, message(3), '')).toBeUndefined();
    expect(() => stores.handled(7, message(3))).not.toThrow();
  });

  it('is heard of while it goes on', async () => {
    const heard: boolean[] = [];
    const { stores } = await new World().serve({ onOpen: ({ isOpen }) => heard.push(isOpen) });
    const ended = Promise.resolve();
    work(stores, 0, message(3), ended);
    await ended;
    await Promise.resolve();
    expect(heard).toEqual([true, false]);
  });
});

describe('a stored state that the client cannot take', () => {
  it('costs its shard the session, and no other', async () => {
    const world = new World();
    const before = await world.serve();
    before.stores.release();
    const { stores, log } = await world.open();
    const client = new OfflineClient();
    const { adapter } = client;
    const refuse = (shardId: number, guild: Parameters<typeof adapter.cacheGuild>[1]): void => {
      if (shardId === 1) throw new TypeError('a guild without roles');
      adapter.cacheGuild(shardId, guild);
    };
    await stores.hydrate({
      identity: null,
      restoreIdentity: (identity) => client.restoreIdentity(identity),
      restoreMemberFetches: () => client.restoreMemberFetches(),
      restorePresence: (shardId, presence) => client.restorePresence(shardId, presence),
      adapter: {
        cacheGuild: refuse,
        cacheUnavailableGuild: (shardId, id) => adapter.cacheUnavailableGuild(shardId, id),
        uncacheGuild: (id) => adapter.uncacheGuild(id),
      },
    });
    expect((await stores.takeOver()).map(({ shardId }) => shardId)).toEqual([0]);
    expect(log.warnings()).toHaveLength(1);
    expect(log.warnings()[0]).toMatch(/shard 1/);
    expect(stores.resumable).toBe(1);
  });
});

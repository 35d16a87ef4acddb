import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CommitSchedule } from '../../../src/cluster/store/CommitSchedule.js';
import { Database } from '../../../src/cluster/store/Database.js';
import type { ShardStore } from '../../../src/cluster/store/ShardStore.js';
import type { GatewayPacket } from '../../../src/core/discord/packets.js';
import { APPLICATION, BOT, Feed, openStore, temporaryFolder } from './support.js';

const GUILD = { id: '10', name: 'a guild', channels: [{ id: '11', type: 0, name: 'one' }], member_count: 5 };

/** A store that this process writes, with a session and one guild. */
async function servedStore(folder: string, options: Parameters<typeof openStore>[1] = {}) {
  const opened = await openStore(folder, options);
  await opened.store.takeOver();
  const feed = new Feed(opened.store);
  feed.ready([GUILD.id]);
  feed.dispatch('GUILD_CREATE', GUILD);
  return { ...opened, feed };
}

/** Both clocks have gone on for so long. */
function later(ms: number): { wallNow(): number; steadyNow(): number } {
  return { wallNow: () => Date.now() + ms, steadyNow: () => Number(process.hrtime.bigint() / 1_000_000n) + ms };
}

function message(s: number): GatewayPacket {
  return { op: 0, t: 'MESSAGE_CREATE', s, d: { id: String(s) } };
}

function rename(s: number, name: string): GatewayPacket {
  return { op: 0, t: 'CHANNEL_UPDATE', s, d: { id: '11', guild_id: '10', type: 0, name } };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function channelName(store: ShardStore): unknown {
  return store.readGuild('10')?.guild?.channels?.[0]?.name;
}

describe('the presence that the bot has set', () => {
  const [IDLE, BUSY] = [{ presence: { status: 'idle' } }, { presence: { status: 'dnd' } }];

  it('is there for the next process, whatever became of the session, and for once', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    store.setPresence(BUSY);
    store.setPresence(IDLE);
    store.dispatches.dropSession();
    await store.close();
    const { store: next } = await openStore(folder);
    expect(next.takePresence()).toBeUndefined();
    await next.takeOver();
    expect(next.takePresence()).toEqual(IDLE);
    expect(next.takePresence()).toBeUndefined();
  });

  it('is there after a crash, and what was handled but not committed is not', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder, { schedule: new CommitSchedule(60_000) });
    store.commit();
    store.dispatches.handled(rename(3, 'two'));
    store.setPresence(IDLE);
    const { store: next } = await openStore(folder);
    expect(next.session()?.seq).toBe(2);
    expect(channelName(next)).toBe('one');
    await next.takeOver();
    expect(next.takePresence()).toEqual(IDLE);
  });

  it('by this process before the shard was its own, is the one that stays', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    store.setPresence(IDLE);
    const { store: next } = await openStore(folder);
    next.setPresence(BUSY);
    store.release();
    await next.takeOver();
    expect(next.takePresence()).toBeUndefined();
    await next.close();
    const { store: third } = await openStore(folder);
    await third.takeOver();
    expect(third.takePresence()).toEqual(BUSY);
  });

  it('is nothing new to a process that takes its shard back, unless the successor has changed it', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    store.setPresence(IDLE);
    store.release();
    await store.takeOver();
    expect(store.takePresence()).toBeUndefined();
    store.release();
    const { store: successor } = await openStore(folder);
    await successor.takeOver();
    successor.setPresence(BUSY);
    successor.release();
    await store.takeOver();
    expect(store.takePresence()).toEqual(BUSY);
  });
});

describe('members that were asked for', () => {
  const fetch = { guildId: '10', nonce: 'n' };
  const chunk = (index: number, nonce = 'n') => ({
    ...{ guild_id: '10', nonce, chunk_index: index, chunk_count: 2 },
    members: [{ user: { id: `5${index}` }, roles: [] }],
  });

  /** What the next process is to ask for again, after a crash of one to which these chunks came. */
  async function left(chunks: readonly object[], alsoHappens: (feed: Feed, store: ShardStore) => unknown = () => {}) {
    const folder = temporaryFolder();
    const { store, feed } = await servedStore(folder);
    store.noteMemberFetch(fetch);
    for (const d of chunks) feed.dispatch('GUILD_MEMBERS_CHUNK', d);
    await alsoHappens(feed, store);
    store.commit();
    const { store: next } = await openStore(folder);
    await next.takeOver();
    return { fetches: next.memberFetches(), members: next.readGuild('10')?.guild?.members?.map(({ user }) => user.id) };
  }

  it.each([
    ['no chunk', []],
    ['a part of the chunks', [chunk(0)]],
    ['all chunks of another request', [chunk(0, 'other'), chunk(1, 'other')]],
  ])('are asked for again after %s had come', async (_what, chunks) => {
    expect((await left(chunks)).fetches).toEqual([fetch]);
  });

  it('are not asked for again once all have come', async () => {
    expect(await left([chunk(0), chunk(1)])).toEqual({ fetches: [], members: ['50', '51'] });
  });

  it('are asked for again although the rows of their guild were made one', async () => {
    const { fetches, members } = await left([chunk(0)], async (feed, store) => {
      for (let index = 0; index < 300; index++)
        feed.dispatch('GUILD_ROLE_CREATE', { guild_id: '10', role: { id: `r${index}` } });
      store.commit();
      await nextTurn();
      expect(store.readGuild('10')?.guild?.roles).toHaveLength(300);
    });
    expect({ fetches, members }).toEqual({ fetches: [fetch], members: ['50'] });
  });

  it.each([
    ['guild has left', 'GUILD_DELETE', { id: '10' }],
    ['guild has come anew', 'GUILD_CREATE', GUILD],
  ])('are not asked for again where the %s', async (_what, t, d) => {
    expect((await left([], (feed) => feed.dispatch(t, d))).fetches).toEqual([]);
  });

  it('are not asked for again in a new session, whose guilds all come anew', async () => {
    expect((await left([], (feed) => feed.ready([GUILD.id], 'another'))).fetches).toEqual([]);
  });
});

describe('a store', () => {
  it('has no session and no guilds at first', async () => {
    const { store, log } = await openStore(temporaryFolder());
    expect(store.persistent).toBe(true);
    expect(store.session()).toBeUndefined();
    expect(await all(store.guilds())).toEqual([]);
    expect(await store.takeOver()).toBeUndefined();
    expect(log.lines).toEqual([]);
  });

  it('gives the next process the session, who the bot is, and the guilds', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    store.dispatches.handled(message(3));
    await store.close();

    const { store: next, log } = await openStore(folder);
    const session = {
      shardId: 0,
      sessionId: 'session',
      seq: 3,
      resumeUrl: 'wss://resume.test',
      identity: { user: BOT, application: APPLICATION },
    };
    expect(next.session()).toEqual(session);
    expect(await all(next.guilds())).toMatchObject([{ guildId: '10', guild: GUILD }]);
    expect(await next.takeOver()).toEqual(session);
    expect(log.lines).toEqual([]);
  });

  it('keeps what the bot is called now', async () => {
    const folder = temporaryFolder();
    const { store, feed } = await servedStore(folder);
    feed.dispatch('USER_UPDATE', { id: BOT.id, username: 'renamed' });
    await store.close();
    const { store: next } = await openStore(folder);
    expect(next.session()?.identity.user).toEqual({ ...BOT, username: 'renamed' });
  });

  it('does not give away a session that is older than Discord keeps it', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    await store.close();
    const { store: late } = await openStore(folder, later(180_001));
    expect(late.session()).toBeUndefined();
    expect(await late.takeOver()).toBeUndefined();
    await late.close();
    // Nor to somebody whose clock is right again: it was given up.
    const { store: next } = await openStore(folder);
    expect(next.session()).toBeUndefined();
  });

  it.each([3_600_000, -3_600_000])(
    'gives a session away, and its commands, although the clock was set by %i ms',
    async (ms) => {
      const folder = temporaryFolder();
      let setBy = 0;
      const { store } = await servedStore(folder, { wallNow: () => Date.now() + setBy });
      store.dispatches.judge(message(3));
      store.dispatches.commandStarted();
      store.dispatches.handled(message(3));
      setBy = ms;
      await store.commit();
      await store.close();
      const { store: next } = await openStore(folder, { wallNow: () => Date.now() + 2 * ms });
      expect((await next.takeOver())?.seq).toBe(2);
      expect(next.dispatches.judge(message(3))).toBe('handle');
    },
  );

  it('keeps a session young as long as its shard is connected', async () => {
    const folder = temporaryFolder();
    let now = Date.now();
    const { store } = await servedStore(folder, { wallNow: () => now, steadyNow: () => now });
    now += 170_000;
    store.dispatches.touch();
    await store.commit();
    const { store: reader } = await openStore(folder, { wallNow: () => now + 20_000, steadyNow: () => now + 20_000 });
    expect(reader.session()?.seq).toBe(2);
  });

  it('forgets a session that Discord has ended', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    store.dispatches.dropSession();
    await store.close();
    const { store: next } = await openStore(folder);
    expect(next.session()).toBeUndefined();
  });

  it('begins with nothing but the listed guilds in a new session', async () => {
    const folder = temporaryFolder();
    const { store, feed } = await servedStore(folder);
    feed.dispatch('GUILD_CREATE', { id: '20', name: 'left meanwhile' });
    feed.ready(['10', '30'], 'second');
    await store.commit();
    expect(store.session()?.sessionId).toBe('second');
    expect(await all(store.guilds())).toMatchObject([
      { guildId: '10', guild: null },
      { guildId: '30', guild: null },
    ]);
  });

  it('writes some milliseconds after a dispatch by itself, and a finished command at once', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder, { schedule: new CommitSchedule(1_000_000) });
    const { store: reader } = await openStore(folder);
    await store.commit();
    store.dispatches.judge(message(3));
    const finished = store.dispatches.commandStarted();
    store.dispatches.handled(message(3));
    finished();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(reader.session()?.seq).toBe(3);

    const { store: eager } = await servedStore(temporaryFolder(), { schedule: new CommitSchedule(1) });
    await expect.poll(() => eager.readGuild('10')?.guild).toMatchObject(GUILD);
  });

  it('leaves out what it cannot understand', async () => {
    const { store, feed, log } = await servedStore(temporaryFolder());
    feed.dispatch('GUILD_ROLE_CREATE', { guild_id: '10' });
    feed.dispatch('GUILD_MEMBER_ADD', { guild_id: '10' });
    feed.dispatch('toString', {});
    feed.dispatch('CHANNEL_CREATE', { guild_id: 'unknown', id: '12' });
    await store.commit();
    expect(store.persistent).toBe(true);
    expect(store.readGuild('10')?.guild).toEqual(GUILD);
    expect(store.readGuild('unknown')).toBeUndefined();
    expect(log.lines).toEqual([]);
  });
});

describe('after a crash', () => {
  it('runs unfinished commands again, and nothing else', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    for (const s of [3, 4, 5]) {
      store.dispatches.judge(message(s));
      const finished = store.dispatches.commandStarted();
      store.dispatches.handled(message(s));
      if (s !== 4) finished();
    }
    // What a process leaves behind that is killed now.
    await store.commit();

    const { store: next } = await openStore(folder);
    expect((await next.takeOver())?.seq).toBe(3);
    expect([4, 5, 6].map((s) => next.dispatches.judge(message(s)))).toEqual(['handle', 'skip', 'handle']);
  });

  it('does not apply a replayed change twice', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    const join = (s: number) =>
      ({ op: 0, t: 'GUILD_MEMBER_ADD', s, d: { guild_id: '10', user: { id: String(s) } } }) as GatewayPacket;
    store.dispatches.judge(message(3));
    store.dispatches.commandStarted();
    store.dispatches.handled(message(3));
    for (const packet of [join(4), join(5)]) {
      store.dispatches.judge(packet);
      store.dispatches.handled(packet);
    }
    await store.commit();

    const { store: next } = await openStore(folder);
    await next.takeOver();
    const verdicts = [message(3), join(4), join(5), join(6)].map((packet) => {
      const verdict = next.dispatches.judge(packet);
      next.dispatches.handled(packet);
      return verdict;
    });
    await next.commit();
    expect(verdicts).toEqual(['handle', 'skip', 'skip', 'handle']);
    expect(next.readGuild('10')?.guild?.member_count).toBe(8);
  });
});

describe('a planned stop', () => {
  it('has what still ran at its end run again, and does not count as a death of it, however often', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    store.dispatches.judge(message(3));
    store.dispatches.commandStarted();
    store.dispatches.handled(message(3));
    await store.close();
    for (let stop = 1; stop <= 5; stop++) {
      const { store: next, log } = await openStore(folder);
      expect((await next.takeOver())?.seq).toBe(2);
      expect(next.dispatches.judge(message(3))).toBe('handle');
      next.dispatches.commandStarted();
      next.dispatches.handled(message(3));
      await next.close();
      expect(log.lines).toEqual([]);
      expect(next.givenUp).toBe(0);
    }
  });

  it('does not make the deaths before it forgotten', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    const run = async (on: ShardStore, end: 'commit' | 'close'): Promise<void> => {
      expect(on.dispatches.judge(message(3))).toBe('handle');
      on.dispatches.commandStarted();
      on.dispatches.handled(message(3));
      await on[end]();
    };
    await run(store, 'commit');
    for (const end of ['commit', 'close', 'commit'] as const) {
      const { store: next } = await openStore(folder);
      await next.takeOver();
      await run(next, end);
    }
    // Three processes have died with it; the one that stopped does not count.
    const { store: last } = await openStore(folder);
    await last.takeOver();
    expect(last.givenUp).toBe(1);
    expect(last.dispatches.judge(message(3))).toBe('skip');
  });
});

describe('a handover', () => {
  it('goes on where the predecessor has released the shard, and repeats none of its commands', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    const { store: next } = await openStore(folder);
    old.dispatches.judge(message(3));
    const finished = old.dispatches.commandStarted();
    old.dispatches.handled(message(3));
    old.dispatches.judge(rename(4, 'two'));
    old.dispatches.handled(rename(4, 'two'));
    await old.release();

    const session = await next.takeOver({ shardId: 0, sessionId: 'session', seq: 4, resumeUrl: 'wss://resume.test' });
    expect(session?.seq).toBe(4);
    expect(channelName(next)).toBe('two');
    expect(next.dispatches.judge(message(5))).toBe('handle');

    // The command ends in the old process, which writes nothing any more.
    next.dispatches.handled(message(5));
    await next.commit();
    finished();
    old.dispatches.handled(message(99));
    old.dispatches.touch();
    await old.close();
    expect(next.session()?.seq).toBe(5);
    await next.close();
    const { store: third } = await openStore(folder);
    expect(third.session()?.seq).toBe(5);
  });

  it('tells what has changed since a guild was read', async () => {
    const folder = temporaryFolder();
    const { store: old, feed } = await servedStore(folder);
    feed.dispatch('GUILD_CREATE', { id: '20' });
    feed.dispatch('GUILD_CREATE', { id: '30' });
    await old.commit();
    const { store: next } = await openStore(folder);
    const versions = new Map<string, number>();
    for await (const { guildId, version } of next.guilds()) versions.set(guildId, version);
    expect(next.changedSince(versions)).toEqual({ changed: [], gone: [] });

    feed.dispatch('MESSAGE_CREATE', { guild_id: '10' });
    feed.dispatch('CHANNEL_CREATE', { guild_id: '10', id: '12', type: 0 });
    feed.dispatch('GUILD_DELETE', { id: '20' });
    feed.dispatch('GUILD_DELETE', { id: '30', unavailable: true });
    feed.dispatch('GUILD_CREATE', { id: '40' });
    await old.release();
    expect(next.changedSince(versions)).toEqual({ changed: ['10', '30', '40'], gone: ['20'] });
  });

  it('takes a guild that was left and joined again for a changed one', async () => {
    const folder = temporaryFolder();
    const { store: old, feed } = await servedStore(folder);
    await old.commit();
    const { store: next } = await openStore(folder);
    const versions = new Map([['10', next.readGuild('10')?.version ?? 0]]);
    feed.dispatch('GUILD_DELETE', { id: '10' });
    feed.dispatch('GUILD_CREATE', GUILD);
    await old.commit();
    expect(next.changedSince(versions)).toEqual({ changed: ['10'], gone: [] });
  });

  it('has what the store has missed replayed without handlers', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    await old.release();
    // As after a disk was full: the process went on, the file did not.
    const { store: next } = await openStore(folder);
    const released = { shardId: 0, sessionId: 'session', seq: 4, resumeUrl: 'wss://resume.test' };
    expect((await next.takeOver(released))?.seq).toBe(2);
    const verdicts = [rename(3, 'missed'), message(4), message(5)].map((packet) => {
      const verdict = next.dispatches.judge(packet);
      next.dispatches.handled(packet);
      return verdict;
    });
    await next.commit();
    expect(verdicts).toEqual(['mute', 'mute', 'handle']);
    expect(channelName(next)).toBe('missed');
  });

  it('remembers across a crash what must be replayed without handlers', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    await old.release();
    const { store: next } = await openStore(folder);
    await next.takeOver({ shardId: 0, sessionId: 'session', seq: 4, resumeUrl: 'wss://resume.test' });
    next.dispatches.judge(message(3));
    next.dispatches.handled(message(3));
    await next.commit();
    const { store: third } = await openStore(folder);
    expect((await third.takeOver())?.seq).toBe(3);
    expect([4, 5].map((s) => third.dispatches.judge(message(s)))).toEqual(['mute', 'handle']);
  });

  it('does not resume a session of which the store knows nothing', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    await old.release();
    const { store: next } = await openStore(folder);
    const released = { shardId: 0, sessionId: 'another', seq: 4, resumeUrl: 'wss://resume.test' };
    expect(await next.takeOver(released)).toBeUndefined();
  });

  it('goes back to the predecessor, which catches up with what a failed successor has handled', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    old.dispatches.judge(message(3));
    old.dispatches.commandStarted();
    old.dispatches.handled(message(3));
    await old.release();

    const { store: failed } = await openStore(folder);
    await failed.takeOver();
    for (const packet of [rename(4, 'by the successor'), message(5), message(6)]) {
      failed.dispatches.judge(packet);
      const finished = packet.t === 'MESSAGE_CREATE' ? failed.dispatches.commandStarted() : undefined;
      failed.dispatches.handled(packet);
      if (packet.s === 5) finished?.();
    }
    await failed.commit();

    expect((await old.takeOver())?.seq).toBe(3);
    const replay = [rename(4, 'by the successor'), message(5), message(6), rename(7, 'after all')];
    const verdicts = replay.map((packet) => {
      const verdict = old.dispatches.judge(packet);
      old.dispatches.handled(packet);
      return verdict;
    });
    await old.commit();
    expect(verdicts).toEqual(['mute', 'mute', 'handle', 'handle']);
    expect(channelName(old)).toBe('after all');
  });

  it('notes a command that still runs as unfinished again after the shard was taken back', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    old.dispatches.judge(message(3));
    const finished = old.dispatches.commandStarted();
    old.dispatches.handled(message(3));
    await old.release();
    const { store: reader } = await openStore(folder);
    await old.takeOver();
    // What a process leaves behind that is killed now.
    const { store: next } = await openStore(folder);
    expect((await next.takeOver())?.seq).toBe(2);
    expect(next.dispatches.judge(message(3))).toBe('handle');
    finished();
    await reader.close();
  });

  it('gives the session up where the failed successor had begun another', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    await old.release();
    const { store: failed } = await openStore(folder);
    await failed.takeOver();
    new Feed(failed).ready(['10'], 'of the successor');
    await failed.commit();
    expect(await old.takeOver()).toBeUndefined();
    expect(old.dispatches.judge(message(3))).toBe('handle');
  });
});

describe('a guild that changes a lot', () => {
  it('is rewritten as one row, unnoticed', async () => {
    const folder = temporaryFolder();
    const { store, feed } = await servedStore(folder, { schedule: new CommitSchedule(1) });
    const { store: reader } = await openStore(folder);
    const files = await Database.open(join(folder, 'shards', '0'));
    onTestFinished(() => files.close());
    for (let id = 1; id <= 300; id++) {
      feed.dispatch('GUILD_ROLE_CREATE', { guild_id: '10', role: { id: String(id), name: `role ${id}` } });
    }
    await store.commit();
    const versions = new Map([['10', reader.readGuild('10')?.version ?? 0]]);
    const before = reader.readGuild('10')?.guild;
    expect(before?.roles).toHaveLength(300);
    expect([...files.rowsOf('10')]).toHaveLength(301);
    await expect.poll(() => [...files.rowsOf('10')].length).toBe(1);
    expect(reader.readGuild('10')?.guild).toEqual(before);
    expect(reader.changedSince(versions).changed).toEqual([]);

    feed.dispatch('GUILD_ROLE_DELETE', { guild_id: '10', role_id: '300' });
    await store.commit();
    expect(reader.changedSince(versions).changed).toEqual(['10']);
    expect(reader.readGuild('10')?.guild?.roles).toHaveLength(299);
  });
});

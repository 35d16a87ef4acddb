import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CommitSchedule } from '../../../src/cluster/store/CommitSchedule.js';
import { Database } from '../../../src/cluster/store/Database.js';
import type { ShardStore } from '../../../src/cluster/store/ShardStore.js';
import type { GatewayPacket } from '../../../src/core/discord/packets.js';
import { APPLICATION, BOT, Feed, openStore, temporaryFolder, work } from './support.js';

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

  it.each([3_600_000, -3_600_000])('gives a session away although the clock was set by %i ms', async (ms) => {
    const folder = temporaryFolder();
    let setBy = 0;
    const { store } = await servedStore(folder, { wallNow: () => Date.now() + setBy });
    setBy = ms;
    store.dispatches.handled(message(3));
    store.commit();
    await store.close();
    const { store: next } = await openStore(folder, { wallNow: () => Date.now() + 2 * ms });
    expect((await next.takeOver())?.seq).toBe(3);
  });

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

  it('writes some milliseconds after a dispatch by itself, and at once the end of work that somebody may have seen', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder, { schedule: new CommitSchedule(1_000_000) });
    const { store: reader } = await openStore(folder);
    store.commit();
    const begun = work(store, message(3));
    begun?.dispatch.acted();
    await begun?.end();
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

/** What a process does again: the numbers of the messages. */
function repeated(store: ShardStore): number[] {
  return store.dispatches.takeRepetitions().map(({ dispatch, ran }) => {
    ran();
    return dispatch.facts.seq;
  });
}

/** What the next process finds when this one is killed. */
async function nextAfter(folder: string, die: () => void, options: Parameters<typeof openStore>[1] = {}) {
  die();
  const next = await openStore(folder, options);
  const session = await next.store.takeOver(undefined, KILLED);
  return { ...next, session };
}

const KILLED = { pid: 1, cause: 'killed', newest: undefined, end: undefined, blamed: undefined } as const;

describe('after a crash', () => {
  it('does unfinished work again, from its own record, and nothing else', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    for (const s of [3, 4, 5]) {
      const begun = work(store, message(s));
      if (s !== 4) await begun?.end();
    }
    store.commit();
    const { store: next, session } = await nextAfter(folder, die);
    // Discord is not asked for it: it may have forgotten.
    expect(session?.seq).toBe(5);
    expect([4, 5, 6].map((s) => next.dispatches.judge(message(s)))).toEqual(['skip', 'skip', 'handle']);
    const [repetition, ...others] = next.dispatches.takeRepetitions();
    expect(others).toEqual([]);
    expect(repetition?.packet).toEqual({ op: 0, t: 'MESSAGE_CREATE', d: { id: '4' } });
    expect(repetition?.dispatch.facts).toMatchObject({ seq: 4, attempt: 2, id: '4' });
    expect(next.dispatches.takeRepetitions()).toEqual([]);
  });

  it('does it again where the session is gone', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    work(store, message(3));
    store.commit();
    const { store: next } = await nextAfter(folder, die);
    new Feed(next).ready(['10'], 'another session');
    next.commit();
    expect(repeated(next)).toEqual([3]);
  });

  it('knows what Discord has got of it', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    const begun = work(store, { op: 0, t: 'INTERACTION_CREATE', s: 3, d: { id: '3' } });
    begun?.dispatch.acknowledge('sent');
    begun?.dispatch.acknowledge('confirmed');
    begun?.dispatch.answered('a request', { id: '7' });
    store.commit();
    const { store: next } = await nextAfter(folder, die);
    const [repetition] = next.dispatches.takeRepetitions();
    expect(repetition?.dispatch.acknowledgement).toBe('confirmed');
    expect(repetition?.dispatch.answerOf('a request')).toEqual({ answer: { id: '7' } });
    expect(repetition?.dispatch.answerOf('another')).toBeUndefined();
  });

  it('knows at once that an answer is on its way, where the work was written down before', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder, { schedule: new CommitSchedule(1_000_000) });
    const begun = work(store, { op: 0, t: 'INTERACTION_CREATE', s: 3, d: { id: '3' } });
    store.commit();
    begun?.dispatch.acknowledge('sent');
    // Killed while Discord gets it.
    const { store: next } = await nextAfter(folder, die, later(3_001));
    expect(repeated(next)).toEqual([3]);
  });

  it('knows of the answer to a request by the end of the turn in which it came', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder, { schedule: new CommitSchedule(1_000_000) });
    store.commit();
    const begun = work(store, message(3));
    begun?.dispatch.answered('a request', { id: '7' });
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const { store: next } = await nextAfter(folder, die);
    expect(next.dispatches.takeRepetitions()[0]?.dispatch.answerOf('a request')).toEqual({ answer: { id: '7' } });
  });

  it.each([
    ['an interaction without an answer', 'INTERACTION_CREATE', 'none', 3_001, false],
    ['one that still can be answered', 'INTERACTION_CREATE', 'none', 2_000, true],
    ['an interaction with an answer', 'INTERACTION_CREATE', 'sent', 800_000, true],
    ['an interaction whose token has expired', 'INTERACTION_CREATE', 'confirmed', 900_001, false],
    ['a message', 'MESSAGE_CREATE', 'none', 899_000, true],
    ['an old message', 'MESSAGE_CREATE', 'none', 900_001, false],
  ] as const)('does again, or says that it is too late for, %s', async (_what, t, how, ageMs, isRun) => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    const begun = work(store, { op: 0, t, s: 3, d: { id: '3' } });
    if (how !== 'none') begun?.dispatch.acknowledge(how);
    store.commit();
    const { store: next, log } = await nextAfter(folder, die, later(ageMs));
    expect(repeated(next)).toEqual(isRun ? [3] : []);
    expect(log.warnings().map((line) => /not run again/.test(line))).toEqual(isRun ? [] : [true]);
    next.commit();
    const { store: third } = await nextAfter(folder, () => {}, later(ageMs));
    expect(repeated(third)).toEqual([]);
  });

  it('does not do again what is to be dropped', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    store.dispatches.judge(message(3));
    store.dispatches.begin(message(3), JSON.stringify(message(3)))?.hold(new Promise(() => {}), 'drop');
    store.dispatches.handled(message(3));
    store.commit();
    const { store: next, givenUp } = await nextAfter(folder, die);
    expect(repeated(next)).toEqual([]);
    expect(givenUp).toEqual([]);
  });

  it('gives up what too many processes have died with, and says so by name', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    work(store, message(3));
    store.commit();
    let ends = die;
    for (const attempt of [2, 3]) {
      const { store: next, die: nextDies } = await nextAfter(folder, ends);
      const [repetition] = next.dispatches.takeRepetitions();
      expect(repetition?.dispatch.facts.attempt).toBe(attempt);
      repetition?.dispatch.hold(new Promise(() => {}));
      repetition?.ran();
      next.commit();
      ends = nextDies;
    }
    const { store: last, log, givenUp } = await nextAfter(folder, ends);
    expect(repeated(last)).toEqual([]);
    expect(last.givenUp).toBe(1);
    expect(log.warnings()).toEqual([expect.stringContaining('MESSAGE_CREATE 3 is not run again: 3 processes died')]);
    expect(givenUp).toMatchObject([{ t: 'MESSAGE_CREATE', d: { id: '3' } }]);
    // Its user was told: it is forgotten.
    last.commit();
    const { givenUp: again, store: later } = await nextAfter(folder, () => {});
    expect(repeated(later)).toEqual([]);
    expect(again).toEqual([]);
  });

  it('does not blame what only waited for a death that something else explains', async () => {
    const folder = temporaryFolder();
    let { store, die } = await servedStore(folder);
    work(store, message(3));
    store.commit();
    for (let death = 1; death <= 5; death++) {
      die();
      const next = await openStore(folder);
      await next.store.takeOver(undefined, { ...KILLED, cause: 'explained' });
      const [repetition] = next.store.dispatches.takeRepetitions();
      expect(repetition?.dispatch.facts.seq).toBe(3);
      repetition?.dispatch.hold(new Promise(() => {}));
      repetition?.ran();
      next.store.commit();
      expect(next.store.givenUp).toBe(0);
      ({ store, die } = next);
    }
  });

  it('does not apply a replayed change twice', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    const join = (s: number) =>
      ({ op: 0, t: 'GUILD_MEMBER_ADD', s, d: { guild_id: '10', user: { id: String(s) } } }) as GatewayPacket;
    for (const packet of [join(3), join(4)]) {
      store.dispatches.judge(packet);
      store.dispatches.handled(packet);
    }
    store.commit();

    const { store: next } = await nextAfter(folder, die);
    const verdicts = [join(3), join(4), join(5)].map((packet) => {
      const verdict = next.dispatches.judge(packet);
      next.dispatches.handled(packet);
      return verdict;
    });
    next.commit();
    expect(verdicts).toEqual(['skip', 'skip', 'handle']);
    expect(next.readGuild('10')?.guild?.member_count).toBe(8);
  });
});

describe('work without end', () => {
  it('is forgotten once, whatever it still does', async () => {
    let now = Date.now();
    const { store, log } = await servedStore(temporaryFolder(), { wallNow: () => now });
    const begun = work(store, message(3));
    now += 900_001;
    store.commit();
    begun?.dispatch.answered('a request', {});
    store.commit();
    expect(log.warnings()).toHaveLength(1);
  });

  it('is not remembered for longer than Discord takes answers, which the log says', async () => {
    const folder = temporaryFolder();
    let now = Date.now();
    const { store, log, die } = await servedStore(folder, { wallNow: () => now });
    work(store, message(3));
    store.commit();
    now += 900_001;
    work(store, message(4));
    store.commit();
    expect(log.warnings()).toEqual([expect.stringContaining('it has run for more than 15 minutes')]);
    const { store: next } = await nextAfter(folder, die, { wallNow: () => now });
    expect(repeated(next)).toEqual([4]);
  });

  it('is remembered a thousand times for each shard, and the oldest is forgotten', async () => {
    const folder = temporaryFolder();
    const { store, die } = await servedStore(folder);
    for (let s = 3; s < 1_006; s++) work(store, message(s));
    store.commit();
    const { store: next } = await nextAfter(folder, die);
    const seqs = repeated(next).sort((a, b) => a - b);
    expect([seqs.length, seqs[0]]).toEqual([1_000, 6]);
  });
});

describe('a planned stop', () => {
  it('has what still ran at its end run again, and does not count as a death of it, however often', async () => {
    const folder = temporaryFolder();
    const { store } = await servedStore(folder);
    work(store, message(3));
    await store.close();
    for (let stop = 1; stop <= 5; stop++) {
      const { store: next, log } = await openStore(folder);
      expect((await next.takeOver())?.seq).toBe(3);
      const [repetition] = next.dispatches.takeRepetitions();
      expect(repetition?.dispatch.facts.seq).toBe(3);
      repetition?.dispatch.hold(new Promise(() => {}));
      repetition?.ran();
      await next.close();
      expect(log.lines).toEqual([]);
      expect(next.givenUp).toBe(0);
    }
  });

  it('does not make the deaths before it forgotten', async () => {
    const folder = temporaryFolder();
    const first = await servedStore(folder);
    work(first.store, message(3));
    first.store.commit();
    first.die();
    for (const end of ['death', 'stop', 'death'] as const) {
      const next = await openStore(folder);
      await next.store.takeOver(undefined, KILLED);
      const [repetition] = next.store.dispatches.takeRepetitions();
      repetition?.dispatch.hold(new Promise(() => {}));
      repetition?.ran();
      if (end === 'stop') await next.store.close();
      else next.store.commit();
      next.die();
    }
    // Three processes have died with it; the one that stopped does not count.
    const { store: last } = await openStore(folder);
    await last.takeOver(undefined, KILLED);
    expect(last.givenUp).toBe(1);
    expect(repeated(last)).toEqual([]);
  });
});

describe('a handover', () => {
  it('goes on where the predecessor has released the shard, and repeats nothing that it finishes', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    const { store: next } = await openStore(folder);
    const begun = work(old, message(3));
    old.dispatches.judge(rename(4, 'two'));
    old.dispatches.handled(rename(4, 'two'));
    old.release();

    const session = await next.takeOver({ shardId: 0, sessionId: 'session', seq: 4, resumeUrl: 'wss://resume.test' });
    expect(session?.seq).toBe(4);
    expect(channelName(next)).toBe('two');
    expect(next.dispatches.judge(message(5))).toBe('handle');
    expect(repeated(next)).toEqual([]);
    expect(next.dispatches.isFinishedElsewhere).toBe(true);

    // The work ends in the old process, which writes nothing else any more.
    next.dispatches.handled(message(5));
    next.commit();
    await begun?.end();
    old.dispatches.handled(message(99));
    old.dispatches.touch();
    await old.close();
    expect(next.session()?.seq).toBe(5);
    expect(repeated(next)).toEqual([]);
    expect(next.dispatches.isFinishedElsewhere).toBe(false);
    await next.close();
    const { store: third } = await openStore(folder);
    expect((await third.takeOver())?.seq).toBe(5);
    expect(repeated(third)).toEqual([]);
  });

  it('does again what the predecessor dies with, or has to leave at its drain deadline', async () => {
    for (const end of ['death', 'stop'] as const) {
      const folder = temporaryFolder();
      const { store: old, die } = await servedStore(folder);
      const { store: next } = await openStore(folder);
      work(old, message(3));
      old.release();
      await next.takeOver({ shardId: 0, sessionId: 'session', seq: 3, resumeUrl: 'wss://resume.test' });
      expect(repeated(next)).toEqual([]);
      if (end === 'stop') await old.close();
      die();
      const [repetition] = next.dispatches.takeRepetitions();
      expect(repetition?.dispatch.facts).toMatchObject({ seq: 3, attempt: 2, deaths: end === 'stop' ? 0 : 1 });
    }
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

  it('goes back to the predecessor, which catches up with what a failed successor has handled, and does its work', async () => {
    const folder = temporaryFolder();
    const { store: old } = await servedStore(folder);
    const own = work(old, message(3));
    old.release();

    const { store: failed, die } = await openStore(folder);
    await failed.takeOver();
    failed.dispatches.judge(rename(4, 'by the successor'));
    failed.dispatches.handled(rename(4, 'by the successor'));
    await work(failed, message(5))?.end();
    work(failed, message(6));
    failed.commit();
    die();

    // Its cache has missed these.
    expect((await old.takeOver(undefined, KILLED))?.seq).toBe(3);
    const replay = [rename(4, 'by the successor'), message(5), message(6), rename(7, 'after all')];
    const verdicts = replay.map((packet) => {
      const verdict = old.dispatches.judge(packet);
      old.dispatches.handled(packet);
      return verdict;
    });
    old.commit();
    expect(verdicts).toEqual(['mute', 'mute', 'mute', 'handle']);
    expect(channelName(old)).toBe('after all');
    expect(repeated(old)).toEqual([6]);
    await own?.end();
  });

  it('notes work that still runs as its own again after the shard was taken back', async () => {
    const folder = temporaryFolder();
    const { store: old, die } = await servedStore(folder);
    work(old, message(3));
    old.release();
    await old.takeOver();
    expect(repeated(old)).toEqual([]);
    old.commit();
    const { store: next } = await nextAfter(folder, die);
    expect(repeated(next)).toEqual([3]);
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

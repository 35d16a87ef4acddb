import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkDataFile } from '../../../src/cluster/store/checkDataFile.js';
import { Database } from '../../../src/cluster/store/Database.js';
import { identityOf } from '../../../src/core/files/processIdentity.js';
import { Random } from '../../soak/Random.js';
import { Feed, openStore, temporaryFolder } from './support.js';

const GUILD = { id: '10', name: 'a guild', description: 'x'.repeat(20_000) };

interface Stored {
  readonly dataDir: string;
  /** Of the shard. */
  readonly folder: string;
}

/** What a process with one guild leaves behind. `killed`: it could not close its store. */
async function leftBehind({ killed = false } = {}): Promise<Stored> {
  const dataDir = temporaryFolder();
  const { store } = await openStore(dataDir);
  await store.takeOver();
  const feed = new Feed(store);
  feed.ready([GUILD.id]);
  feed.dispatch('GUILD_CREATE', GUILD);
  await store.commit();
  const folder = join(dataDir, 'shards', '0');
  const label = readFileSync(join(folder, 'label.json'), 'utf8');
  await store.close();
  // The writer it names is this process, which is alive: as another one, it is dead.
  const dead = JSON.stringify({ ...JSON.parse(label), writer: { pid: 2 ** 22 + 1, startedAt: 'long ago' } });
  if (killed) writeFileSync(join(folder, 'label.json'), dead);
  return { dataDir, folder };
}

function changeLabel(folder: string, changes: object): void {
  const path = join(folder, 'label.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }));
}

/** Opens it once more. @returns the warnings; what is stored must be gone, and what comes now be kept. */
async function openedAfresh(stored: Stored, options: Parameters<typeof openStore>[1] = {}): Promise<string[]> {
  const { store, log } = await openStore(stored.dataDir, options);
  expect(store.persistent).toBe(true);
  expect(store.session()).toBeUndefined();
  expect(store.readGuild('10')).toBeUndefined();
  expect(await store.takeOver()).toBeUndefined();
  new Feed(store).ready([], 'afresh');
  await store.close();
  const { store: next } = await openStore(stored.dataDir, options);
  expect(next.session()?.sessionId).toBe('afresh');
  await next.close();
  expect(readdirSync(join(stored.dataDir, 'shards')).sort()).toEqual(['0', '0.set-aside']);
  return log.warnings();
}

describe('a store that another process writes at the moment', () => {
  const LIVING = identityOf(process.ppid);

  it.each([
    ['its file is damaged', (folder: string) => writeFileSync(join(folder, 'data.mdb'), 'x'.repeat(8_192)), {}],
    ['it has another shard count', () => {}, { shardCount: 2 }],
  ])('is left alone, and replaced once it is released, where %s', async (_what, damage, options) => {
    const { dataDir, folder } = await leftBehind();
    changeLabel(folder, { writer: LIVING });
    damage(folder);
    const { store, log } = await openStore(dataDir, options);
    expect(store.session()).toBeUndefined();
    expect(readdirSync(join(dataDir, 'shards'))).toEqual(['0']);
    expect(log.lines).toEqual([]);
    changeLabel(folder, { writer: null });
    expect(await store.takeOver()).toBeUndefined();
    expect(store.persistent).toBe(true);
    expect(readdirSync(join(dataDir, 'shards')).sort()).toEqual(['0', '0.set-aside']);
    expect(log.warnings()).toHaveLength(1);
  });

  it('is left alone for good where it is never released: the shard runs without it, and that is said once', async () => {
    const { dataDir, folder } = await leftBehind();
    changeLabel(folder, { writer: LIVING });
    const { store, log } = await openStore(dataDir, { shardCount: 2 });
    expect(await store.takeOver()).toBeUndefined();
    expect(store.persistent).toBe(false);
    expect(readdirSync(join(dataDir, 'shards'))).toEqual(['0']);
    expect(log.lines.map(({ level }) => level)).toEqual([50]);
  });
});

describe('a store that was left in order', () => {
  it.each([{ killed: false }, { killed: true }])('is used without a word (killed: $killed)', async (how) => {
    const { dataDir } = await leftBehind(how);
    const { store, log } = await openStore(dataDir);
    expect(store.session()?.sessionId).toBe('session');
    expect(store.readGuild('10')?.guild).toEqual(GUILD);
    expect(log.lines).toEqual([]);
  });
});

describe('a store of another bot, or of other shards', () => {
  it.each([
    [{ tokenHash: 'another' }, 'it belongs to another token'],
    [{ shardCount: 2 }, 'it belongs to shard 0 of 1, not to shard 0 of 2'],
  ])('is set aside: %o', async (options, reason) => {
    const warnings = await openedAfresh(await leftBehind(), options);
    expect(warnings).toEqual([`The store of shard 0 was set aside, and a new one begins: ${reason}`]);
  });
});

describe('a store of another version', () => {
  it('is set aside', async () => {
    const stored = await leftBehind();
    changeLabel(stored.folder, { format: 99 });
    expect(await openedAfresh(stored)).toEqual([
      expect.stringMatching(/it has format 99, and this version .* format 1$/),
    ]);
  });

  it('is set aside without a label, and with an unreadable one', async () => {
    const stored = await leftBehind();
    writeFileSync(join(stored.folder, 'label.json'), '{"for');
    expect(await openedAfresh(stored)).toEqual([expect.stringMatching(/its label is missing or cannot be read$/)]);
  });
});

describe('a damaged store', () => {
  it.each([0, 5, 100, 4_096, 8_192, 20_000])('is set aside where its file was cut off at %i bytes', async (bytes) => {
    const stored = await leftBehind();
    truncateSync(join(stored.folder, 'data.mdb'), bytes);
    expect(await openedAfresh(stored)).toEqual([expect.stringMatching(/data file is (truncated|not a database) \(/)]);
  });

  it('is not what LMDB leaves whose last pages were never written, whatever was committed', async () => {
    const random = new Random(1);
    let unwritten = 0;
    for (let run = 0; run < 10; run++) {
      const folder = temporaryFolder();
      const path = join(folder, 'data.mdb');
      const files = await Database.open(folder);
      onTestFinished(() => files.close());
      const live: string[] = [];
      for (let seq = 0; seq < 600; seq++) {
        const work = new Map<string, string | null>();
        for (let count = random.below(6); count > 0; count--) {
          const key = `${seq}-${count}`;
          live.push(key);
          work.set(key, 'x'.repeat(random.below(3_000)));
        }
        for (const key of live.splice(0, live.length - 2 - random.below(8))) work.set(key, null);
        const records = new Map([['progress', JSON.stringify({ seq })]] as const);
        files.commit(() => ({ clear: false, rows: new Map(), guilds: new Map(), records, work }));
        const { size } = statSync(path);
        expect(checkDataFile(path, false)).toBeUndefined();
        expect(checkDataFile(path, true)).toBeUndefined();
        if (statSync(path).size !== size) unwritten++;
      }
    }
    // So that this test has seen what it is about.
    expect(unwritten).toBeGreaterThan(0);
  });

  it('is set aside where its file is something else', async () => {
    const stored = await leftBehind();
    writeFileSync(join(stored.folder, 'data.mdb'), 'x'.repeat(50_000));
    expect(await openedAfresh(stored)).toEqual([expect.stringMatching(/data file is not a database \(50000 bytes\)$/)]);
  });

  it('is set aside where a part of it turns out to be unreadable', async () => {
    const stored = await leftBehind();
    const path = join(stored.folder, 'data.mdb');
    const file = readFileSync(path);
    const at = file.lastIndexOf('{"id":"10","name":"a guild"');
    writeFileSync(path, file.fill('!', at, at + 10));
    const { store, log } = await openStore(stored.dataDir);
    expect(store.session()).toBeDefined();
    expect(store.readGuild('10')).toBeUndefined();
    expect(store.session()).toBeUndefined();
    expect(await store.takeOver()).toBeUndefined();
    expect(log.warnings()).toEqual([
      expect.stringMatching(/set aside, and a new one begins: a part of it cannot be read$/),
    ]);
    expect(store.persistent).toBe(true);
    new Feed(store).ready(['20']);
    await store.commit();
    expect(store.readGuild('20')).toMatchObject({ guild: null });
  });

  it('is set aside where three processes have died over it', async () => {
    const stored = await leftBehind({ killed: true });
    changeLabel(stored.folder, { openings: 2 });
    const { store } = await openStore(stored.dataDir);
    expect(store.session()).toBeDefined();
    // That was the third. It does not get as far as to close it:
    const label = readFileSync(join(stored.folder, 'label.json'), 'utf8');
    await store.close();
    writeFileSync(join(stored.folder, 'label.json'), label);
    expect(await openedAfresh(stored)).toEqual([expect.stringMatching(/3 processes died while they read it$/)]);
  });

  it('is trusted again when a process has read it', async () => {
    const stored = await leftBehind({ killed: true });
    changeLabel(stored.folder, { openings: 2 });
    const { store } = await openStore(stored.dataDir);
    await store.takeOver();
    expect(JSON.parse(readFileSync(join(stored.folder, 'label.json'), 'utf8'))).toMatchObject({ openings: 0 });
  });

  it('keeps one copy only of what was set aside', async () => {
    const stored = await leftBehind();
    for (const bytes of [5, 100]) {
      truncateSync(join(stored.folder, 'data.mdb'), bytes);
      await openedAfresh(stored);
    }
    expect(readFileSync(join(`${stored.folder}.set-aside`, 'data.mdb'))).toHaveLength(100);
  });
});

describe('after the operating system was started again', () => {
  const anotherBoot = { id: 'another', bootedAt: 0 };

  it('a store is set aside that may not have been written to the disk', async () => {
    const stored = await leftBehind({ killed: true });
    changeLabel(stored.folder, { boot: anotherBoot });
    expect(await openedAfresh(stored)).toEqual([
      expect.stringMatching(/the operating system stopped before all of it was on the disk$/),
    ]);
  });

  it('a store is used that was closed before', async () => {
    const stored = await leftBehind();
    changeLabel(stored.folder, { boot: anotherBoot });
    const { store } = await openStore(stored.dataDir);
    expect(store.session()?.sessionId).toBe('session');
  });
});

describe('a folder that cannot be used', () => {
  it('leaves the shard without persistence, and says so once', async () => {
    const dataDir = join(temporaryFolder(), 'file');
    writeFileSync(dataDir, '');
    const { store, log } = await openStore(dataDir);
    expect(store.persistent).toBe(false);
    expect(store.session()).toBeUndefined();
    expect(await store.takeOver()).toBeUndefined();
    const feed = new Feed(store);
    feed.ready(['10']);
    feed.dispatch('GUILD_CREATE', GUILD);
    store.dispatches.begin({ op: 0, t: 'MESSAGE_CREATE', s: 3, d: {} }, '')?.hold(Promise.resolve());
    store.dispatches.touch();
    expect(store.readGuild('10')).toBeUndefined();
    expect(store.changedSince(new Map([['10', 1]]))).toEqual({ changed: [], gone: [] });
    await store.commit();
    await store.release();
    await store.close();
    expect(log.lines.map(({ level, msg }) => [level, msg])).toEqual([
      [50, 'The store of shard 0 cannot be used; the bot runs on, but after a restart this shard must identify'],
    ]);
  });
});

describe('a presence that cannot be read', () => {
  it('is ignored, and the shard goes on', async () => {
    const { dataDir, folder } = await leftBehind();
    const files = await Database.open(folder);
    const records = new Map([['presence', '{"pre']] as const);
    const none = new Map<string, string | null>();
    files.commit(() => ({ clear: false, rows: none, guilds: none, work: none, records }));
    await files.close();
    const { store, log } = await openStore(dataDir);
    expect(await store.takeOver()).toMatchObject({ sessionId: 'session' });
    expect(store.takePresence()).toBeUndefined();
    expect(log.lines).toEqual([]);
  });
});

describe('unfinished work that cannot be read', () => {
  it('is removed, and keeps nothing else from being done', async () => {
    const { dataDir, folder } = await leftBehind();
    const files = await Database.open(folder);
    const none = new Map<string, string | null>();
    const good = {
      session: 's',
      seq: 9,
      type: 'T',
      id: '9',
      name: 'T',
      at: Date.now(),
      runs: 1,
      deaths: 0,
      again: true,
    };
    const work = new Map([
      ['s:1', ''],
      ['s:2', '{"sess\n{}'],
      ['s:3', 'null\n{}'],
      ['s:4', '{}\n{}'],
      ['s:5', `${JSON.stringify(good)}\n{}`],
      ['s:6', `${JSON.stringify({ ...good, seq: 6, at: null })}\n{}`],
      ['s:7', `${JSON.stringify({ ...good, seq: 7 })}\nno JSON`],
      ['s:9', `${JSON.stringify(good)}\n{"op":0,"t":"T","d":{}}`],
    ]);
    files.commit(() => ({ clear: false, rows: none, guilds: none, records: new Map(), work }));
    const { store } = await openStore(dataDir);
    expect(await store.takeOver()).toMatchObject({ sessionId: 'session' });
    const repetitions = store.dispatches.takeRepetitions();
    expect(repetitions.map(({ dispatch }) => dispatch.facts.seq)).toEqual([9]);
    for (const { ran } of repetitions) ran();
    store.commit();
    files.refresh();
    expect([...files.works()]).toEqual([]);
    await files.close();
  });
});

describe('a closed store', () => {
  it('has left nothing but its files', async () => {
    const { folder } = await leftBehind();
    expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'label.json', 'lock.mdb']);
    const open = existsSync('/proc/self/maps') ? readFileSync('/proc/self/maps', 'utf8') : '';
    expect(open).not.toContain(folder);
  });
});

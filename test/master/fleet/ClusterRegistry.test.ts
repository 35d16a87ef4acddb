import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExitReason } from '../../../src/core/errors.js';
import { identityOf, type ProcessIdentity } from '../../../src/core/files/processIdentity.js';
import { scrub } from '../../../src/core/log/secrets.js';
import type { WorkerRecord } from '../../../src/core/worker/WorkerRegistry.js';
import { ClusterRegistry } from '../../../src/master/fleet/ClusterRegistry.js';
import type { ClusterSettings } from '../../../src/master/fleet/ClusterSettings.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const SETTINGS: ClusterSettings = {
  apiUrl: 'https://discord.com/api',
  token: 'token',
  dataDir: '/data',
  shardCount: 4,
  clusterCount: 2,
};
/** Two processes that run for as long as the test does. */
const SELF = identityOf(process.pid);
const PARENT = identityOf(process.ppid);
const DEAD: ProcessIdentity = { ...SELF, startedAt: 'another boot 1' };

function record(id: number, identity: ProcessIdentity, generation = 1): WorkerRecord {
  return { id, kind: 'cluster', generation, identity, secret: `${id}-${generation}-`.padEnd(40, 'x') };
}

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kallisti-registry-'));
  mkdirSync(join(folder, 'ipc'));
  file = join(folder, 'ipc', 'clusters.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that is only signalled. `dies` says of which signal it ends. */
interface FakeProcess {
  readonly pid: number;
  readonly signals: NodeJS.Signals[];
}

/** A registry whose processes die of `diesOf`, and a pool that takes over whatever `comesBack`. */
function setUp({ diesOf = 'SIGTERM' as NodeJS.Signals, comesBack = true } = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const reached: FakeProcess[] = [];
  const attached: { record: WorkerRecord; timeoutMs: number }[] = [];
  const registry = new ClusterRegistry({
    dataDir: folder,
    logger: log.logger,
    clock,
    reach: ({ pid }) => {
      const fake: FakeProcess = { pid, signals: [] };
      reached.push(fake);
      let exit: (reason: ExitReason) => void = () => undefined;
      const exited = new Promise<ExitReason>((resolve) => {
        exit = resolve;
      });
      const signal = (name: NodeJS.Signals): void => {
        fake.signals.push(name);
        if (name === diesOf) exit({ code: null, signal: null });
      };
      return { exited, signal };
    },
  });
  const clusters = {
    attach: async (worker: WorkerRecord, timeoutMs: number) => {
      attached.push({ record: worker, timeoutMs });
      return comesBack ? { id: worker.id } : undefined;
    },
  };
  return { clock, log, registry, reached, attached, clusters };
}

/** What a master with these settings leaves behind. */
function leave(records: readonly WorkerRecord[], settings = SETTINGS): void {
  const { registry } = setUp();
  registry.begin(settings);
  for (const worker of records) registry.add(worker);
}

const written = (): { workers: WorkerRecord[] } => JSON.parse(readFileSync(file, 'utf8'));

describe('the file', () => {
  it('names the clusters that run, for this user alone, and goes with the last of them', () => {
    const { registry } = setUp();
    registry.begin(SETTINGS);
    const [first, second] = [record(0, SELF), record(1, PARENT)];
    registry.add(first);
    registry.add(second);
    expect(written().workers).toEqual([first, second]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    registry.remove(first);
    expect(written().workers).toEqual([second]);
    registry.remove(second);
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  it('names the spares beside the clusters, and goes with the last of either', () => {
    const { registry } = setUp();
    registry.begin(SETTINGS);
    registry.add(record(0, SELF));
    registry.spares.add(record(0, PARENT));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ workers: [record(0, SELF)], spares: [PARENT] });
    registry.remove(record(0, SELF));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ workers: [], spares: [PARENT] });
    registry.spares.remove(record(0, PARENT));
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  it('that cannot be written is a warning, once', () => {
    const { registry, log } = setUp();
    rmSync(join(folder, 'ipc'), { recursive: true });
    registry.add(record(0, SELF));
    registry.add(record(1, PARENT));
    expect(log.warnings()).toEqual([expect.stringContaining('a new master could not take clusters over')]);
  });

  it.each(['', 'no JSON', '{"version":2}', '{"version":1,"assignment":"x","workers":[{"id":-1}]}'])(
    'that holds %o is a warning, and nothing is taken over',
    async (content) => {
      writeFileSync(file, content);
      const { registry, log, clusters, attached } = setUp();
      expect(registry.load()).toBe(false);
      expect(log.warnings()).toEqual([expect.stringContaining('clusters that still run cannot be taken over')]);
      expect(await registry.takeOver(clusters, SETTINGS)).toEqual([]);
      expect(attached).toEqual([]);
    },
  );

  it('that is not there says that nothing runs', () => {
    const { registry, log } = setUp();
    expect(registry.load()).toBe(false);
    expect(registry.shardCount).toBeUndefined();
    expect(log.warnings()).toEqual([]);
  });

  it('makes its secrets known to the log, so that none is printed', () => {
    const left = record(7, SELF);
    leave([left]);
    setUp().registry.load();
    expect(scrub(`a ${left.secret} b`)).not.toContain(left.secret);
  });
});

describe('clusters that an earlier master has left', () => {
  it('are taken over where they fit: each has two seconds to come back', async () => {
    const workers = [record(0, SELF), record(1, PARENT)];
    leave(workers);
    const { registry, clusters, attached, reached, log } = setUp();
    expect(registry.load()).toBe(true);
    expect(registry.shardCount).toBe(4);
    expect(registry.fits(SETTINGS)).toBe(true);
    expect(await registry.takeOver(clusters, SETTINGS)).toEqual([0, 1]);
    expect(attached).toEqual(workers.map((worker) => ({ record: worker, timeoutMs: 2_000 })));
    expect(reached).toEqual([]);
    expect(log.lines.map(({ msg }) => msg)).toEqual(['took over 2 running clusters of an earlier master']);
  });

  it('and do not come back are not among those that were taken over', async () => {
    leave([record(0, SELF)]);
    const { registry, clusters } = setUp({ comesBack: false });
    registry.load();
    expect(await registry.takeOver(clusters, SETTINGS)).toEqual([]);
  });

  it('as spares are killed and not taken over, where they have not ended by themselves', async () => {
    const { registry: earlier } = setUp();
    earlier.begin(SETTINGS);
    earlier.add(record(0, SELF));
    earlier.spares.add(record(0, PARENT));
    earlier.spares.add(record(0, DEAD));
    const { registry, reached, clusters, attached } = setUp();
    expect(registry.load()).toBe(true);
    expect(reached).toEqual([{ pid: PARENT.pid, signals: ['SIGKILL'] }]);
    await registry.takeOver(clusters, SETTINGS);
    expect(attached).toHaveLength(1);
    registry.begin(SETTINGS);
    registry.add(record(1, DEAD));
    expect(JSON.parse(readFileSync(file, 'utf8')).spares).toBeUndefined();
  });

  it('as spares alone leave nothing to take over', () => {
    const { registry: earlier } = setUp();
    earlier.spares.add(record(0, PARENT));
    expect(setUp().registry.load()).toBe(false);
  });

  it('and are dead by now are not looked for', async () => {
    leave([record(0, DEAD)]);
    const { registry, clusters, attached, reached } = setUp();
    expect(registry.load()).toBe(false);
    expect(await registry.takeOver(clusters, SETTINGS)).toEqual([]);
    expect([...attached, ...reached]).toEqual([]);
  });

  it('in the middle of a handover: the newest goes on, the older one is ended', async () => {
    leave([record(0, SELF, 3), record(0, PARENT, 4)]);
    const { registry, clusters, attached, reached } = setUp();
    registry.load();
    expect(await registry.takeOver(clusters, SETTINGS)).toEqual([0]);
    expect(attached.map(({ record: { generation } }) => generation)).toEqual([4]);
    expect(reached).toEqual([{ pid: process.pid, signals: ['SIGTERM'] }]);
  });

  it('stay in the file while others are added, until they end', () => {
    const left = record(0, SELF);
    leave([left]);
    const { registry } = setUp();
    registry.load();
    registry.begin(SETTINGS);
    const added = record(1, PARENT);
    registry.add(added);
    expect(written().workers).toEqual([left, added]);
    registry.remove(left);
    expect(written().workers).toEqual([added]);
  });
});

describe('clusters that the file does not name', () => {
  /** A shard's store that this process writes. */
  function writeStore(shardId: number, writer: ProcessIdentity | null): void {
    mkdirSync(join(folder, 'shards', String(shardId)), { recursive: true });
    writeFileSync(join(folder, 'shards', String(shardId), 'label.json'), JSON.stringify({ format: 1, writer }));
  }

  it.each(['', 'no JSON'])(
    'because it holds %o are found by their stores, and ended before others start',
    async (text) => {
      writeFileSync(file, text);
      for (const shardId of [0, 1]) writeStore(shardId, SELF);
      writeStore(2, PARENT);
      const { registry, clusters, attached, reached, log } = setUp();
      expect(registry.load()).toBe(true);
      registry.begin(SETTINGS);
      expect(await registry.takeOver(clusters, SETTINGS)).toEqual([]);
      expect(attached).toEqual([]);
      expect(reached).toEqual([SELF, PARENT].map(({ pid }) => ({ pid, signals: ['SIGTERM'] })));
      expect(log.warnings().at(-1)).toBe('2 clusters of an earlier master are not in its list, they are replaced');
    },
  );

  it('because it could not be written are ended, and those that it names are taken over', async () => {
    leave([record(0, SELF)]);
    writeStore(0, SELF);
    writeStore(1, PARENT);
    const { registry, clusters, reached } = setUp();
    registry.load();
    expect(await registry.takeOver(clusters, SETTINGS)).toEqual([0]);
    expect(reached).toEqual([{ pid: process.ppid, signals: ['SIGTERM'] }]);
  });

  it('and that do not end by themselves are killed after five seconds, and waited for', async () => {
    writeStore(0, SELF);
    const { clock, registry, clusters, reached } = setUp({ diesOf: 'SIGKILL' });
    registry.load();
    const taking = registry.takeOver(clusters, SETTINGS);
    await clock.advance(5_000);
    await taking;
    expect(reached).toEqual([{ pid: process.pid, signals: ['SIGTERM', 'SIGKILL'] }]);
  });

  it('are nobody where the writers are dead, or have released their shards, or may be another process by now', async () => {
    writeStore(0, DEAD);
    writeStore(1, null);
    writeStore(2, { ...SELF, startedAt: null });
    writeStore(3, { ...SELF, pidNamespace: 'another container' });
    mkdirSync(join(folder, 'shards', '4.set-aside'));
    const { registry, clusters, reached, log } = setUp();
    expect(registry.load()).toBe(false);
    expect(await registry.takeOver(clusters, SETTINGS)).toEqual([]);
    expect(reached).toEqual([]);
    expect(log.warnings()).toEqual([]);
  });
});

describe('clusters that were left with other settings', () => {
  it.each([
    ['token', 'another'],
    ['apiUrl', 'http://127.0.0.1:1/api'],
    ['dataDir', '/elsewhere'],
    ['shardCount', 8],
    ['clusterCount', 4],
  ])('(%s) are ended before anything else starts, and none is taken over', async (name, value) => {
    leave([record(0, SELF), record(1, PARENT)]);
    const { registry, clusters, attached, reached, log } = setUp();
    registry.load();
    const others = { ...SETTINGS, [name]: value };
    expect(registry.fits(others)).toBe(false);
    registry.begin(others);
    expect(await registry.takeOver(clusters, others)).toEqual([]);
    expect(attached).toEqual([]);
    expect(reached.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM']]);
    expect(log.warnings()).toEqual([
      'the clusters of an earlier master were started with other settings, they are replaced',
    ]);
    registry.add(record(0, SELF));
    expect(written().workers.length).toBe(1);
  });

  it('and do not end by themselves are killed after five seconds, and waited for', async () => {
    leave([record(0, SELF)]);
    const { clock, registry, clusters, reached } = setUp({ diesOf: 'SIGKILL' });
    registry.load();
    let isOver = false;
    const taking = registry.takeOver(clusters, { ...SETTINGS, token: 'another' }).then(() => {
      isOver = true;
    });
    await clock.advance(4_999);
    expect(reached).toEqual([{ pid: process.pid, signals: ['SIGTERM'] }]);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await nextTurn();
    expect(reached).toEqual([{ pid: process.pid, signals: ['SIGTERM', 'SIGKILL'] }]);
    await taking;
    expect(clock.pendingTimers).toBe(0);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LiveStatus, LogLine } from '../../../src/core/contracts/AdminApi.js';
import { memory } from '../../support/memory.js';
import { until } from '../../support/processes.js';
import { EventReader } from './EventReader.js';
import { TOKEN, World } from './World.js';

let world: World;
const readers: EventReader[] = [];
beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close();
  await world.stop();
});

function read(query = '', headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }): EventReader {
  const reader = new EventReader(`${world.url}/api/events${query}`, headers);
  readers.push(reader);
  return reader;
}

describe('GET /api/events', () => {
  it('sends the state and the history at once, then the state every second', async () => {
    const reader = read();
    await reader.until(() => reader.named('status').length >= 3);
    expect(reader.events.slice(0, 2).map(({ name }) => name)).toEqual(['status', 'history']);
    const [first, , third] = reader.named('status') as LiveStatus[];
    expect(first).toMatchObject({ phase: 'running', totals: { clustersReady: 2 } });
    expect(first).not.toHaveProperty('history');
    expect((third?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(800);
  });

  it('sends the progress of a restart as it comes', async () => {
    const reader = read();
    await reader.until(() => reader.named('history').length === 1);
    world.fleet.restart.emit('progress', { id: 'r', outcome: 'rolling' });
    world.fleet.restart.emit('progress', { id: 'r', outcome: 'done' });
    await reader.until(() => reader.named('restart').length === 2);
    expect(reader.named('restart')).toMatchObject([{ outcome: 'rolling' }, { outcome: 'done' }]);
  });

  it('sends log lines of whom one asks for, the last ones first', async () => {
    const push = (id: number, msg: string): void =>
      world.fleet.clusters.all[id]?.logTail.push(
        JSON.stringify({ level: 30, time: Date.now(), kind: 'cluster', id, msg }),
      );
    push(0, 'before');
    const [one, all, none] = [read('?logs=0'), read('?logs=all'), read()];
    const texts = (reader: EventReader): string[] =>
      (reader.named('logs') as LogLine[][]).flat().map(({ text }) => text.replace(/.*: /, ''));
    await Promise.all([one, all].map((reader) => reader.until(() => texts(reader).includes('before'))));
    push(0, 'after');
    push(1, 'elsewhere');
    await one.until(() => texts(one).includes('after'));
    await all.until(() => texts(all).includes('elsewhere'));
    expect(texts(one)).toEqual(['before', 'after']);
    expect(texts(all)).toEqual(['before', 'after', 'elsewhere']);
    expect(texts(none)).toEqual([]);
    expect((await world.call('/api/events?logs=7')).status).toBe(404);
    expect((await world.call('/api/events?logs=x')).status).toBe(400);
  });

  it('drowns nobody in log lines: of a flood the first ones are sent, and how many are not', async () => {
    const reader = read('?logs=0');
    await reader.until(() => reader.named('logs').length === 1);
    for (let n = 0; n < 5_000; n++) world.fleet.clusters.all[0]?.logTail.push(`{"level":30,"time":${n},"msg":"x"}`);
    await reader.until(() => reader.named('logs').length === 2);
    const [, flood] = reader.named('logs') as LogLine[][];
    expect(flood).toHaveLength(501);
    expect(flood?.at(-1)?.text).toBe('... 4500 more lines at once are left out here');
  });

  it('ends when its login is logged out', async () => {
    const cookie = await world.logIn();
    const reader = read('', { cookie });
    await reader.until(() => reader.named('status').length >= 1);
    await world.call('/api/logout', { method: 'POST', token: null, headers: { cookie, origin: world.url } });
    await reader.until(() => reader.closed);
  });

  it('tells that the master stops, and is over when the server is', async () => {
    const reader = read();
    await reader.until(() => reader.named('status').length >= 1);
    world.stopping.abort();
    await reader.until(() => reader.named('stopping').length === 1);
    await world.admin.stop();
    await reader.until(() => reader.closed);
  });

  it('serves 50 viewers with one question to each cluster a second, and none when nobody looks any more', async () => {
    const viewers = Array.from({ length: 50 }, () => read());
    await Promise.all(viewers.map((reader) => reader.until(() => reader.named('status').length >= 1)));
    const asked = (): number => world.fleet.clusters.all[0]?.asked ?? 0;
    await Promise.all(viewers.map((reader) => reader.until(() => reader.named('status').length >= 3)));
    const rounds = Math.max(...viewers.map((reader) => reader.named('status').length));
    expect(asked()).toBeLessThanOrEqual(rounds + 1);
    for (const reader of viewers) reader.close();
    const openNow = async (): Promise<number> =>
      Number(/^kallisti_admin_viewers (\d+)$/m.exec((await world.call('/metrics')).text)?.[1]);
    await until(async () => (await openNow()) === 0);
    const rested = asked();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(asked() - rested).toBeLessThanOrEqual(1);
  });

  it('holds no more than a bounded amount for a viewer that does not read, and the others notice nothing', async () => {
    const [slow, other] = [read(), read()];
    await Promise.all([slow, other].map((reader) => reader.until(() => reader.named('history').length === 1)));
    slow.stall();
    const before = memory();
    const big = { id: 'r', outcome: 'rolling', reason: 'x'.repeat(100_000) };
    for (let n = 0; n < 400; n++) {
      world.fleet.restart.emit('progress', big);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await other.until(() => other.named('restart').length >= 300);
    expect(slow.named('restart').length).toBeLessThan(100);
    // 40 MB were not sent to it.
    expect(memory() - before).toBeLessThan(120 * 1024 * 1024);
  });
});

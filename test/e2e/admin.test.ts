import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminStatus, LogLine, Readiness, RestartStatus } from '../../src/core/contracts/AdminApi.js';
import { Simulator } from '../../src/simulator/index.js';
import { EventReader } from '../master/admin/EventReader.js';
import { parseMetrics } from '../master/admin/parseMetrics.js';
import { until } from '../support/processes.js';
import { Bot } from './Bot.js';

let discord: Simulator;
const bots: Bot[] = [];
const readers: EventReader[] = [];

beforeEach(async () => {
  discord = new Simulator({ guildCount: 8, shardCount: 4, identifyIntervalMs: 50 });
  await discord.start();
});
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close();
  await Promise.all(bots.splice(0).map((bot) => bot.dispose()));
  await discord.stop();
});

function startBot(env: NodeJS.ProcessEnv = {}): Bot {
  const bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '50ms', ...env }).start();
  bots.push(bot);
  return bot;
}

/** The admin API of a bot, found as the command line finds it. */
class AdminClient {
  public readonly url: string;
  public readonly headers: Readonly<Record<string, string>>;

  public constructor(public readonly bot: Bot) {
    const { url, pid, headers } = bot.adminApi();
    expect(pid).toBe(bot.pid);
    this.url = url;
    this.headers = headers;
  }

  public static async of(bot: Bot): Promise<AdminClient> {
    await bot.untilLogged(/^status page and admin API: http/);
    return new AdminClient(bot);
  }

  public get(path: string): Promise<Response> {
    return fetch(this.url + path, { headers: this.headers });
  }

  public post(path: string, body: object = {}): Promise<Response> {
    const headers = { ...this.headers, 'content-type': 'application/json' };
    return fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  public async status(): Promise<AdminStatus> {
    return (await (await this.get('/api/status')).json()) as AdminStatus;
  }

  public watch(query = ''): EventReader {
    const reader = new EventReader(`${this.url}/api/events${query}`, this.headers);
    readers.push(reader);
    return reader;
  }
}

describe('the admin API of a running bot', () => {
  it('shows a restart from its beginning to its end, with the pause of every shard', async () => {
    const bot = startBot();
    await bot.untilReady();
    const admin = await AdminClient.of(bot);
    const reader = admin.watch('?logs=all');
    await reader.until(() => reader.named('logs').length > 0);

    const begun = (await (await admin.post('/api/restart')).json()) as { id: string };
    expect((await admin.post('/api/restart')).status).toBe(409);
    const progress = (): RestartStatus[] => reader.named('restart') as RestartStatus[];
    await reader.until(() => progress().some(({ outcome }) => outcome !== 'rolling'));
    const [first] = progress();
    const last = progress().at(-1);
    expect(first).toMatchObject({
      id: begun.id,
      outcome: 'rolling',
      requestedBy: expect.stringMatching(/127\.0\.0\.1/),
    });
    expect(last).toMatchObject({ id: begun.id, outcome: 'done' });
    expect(last?.clusters.map(({ state, arrivals }) => [state, arrivals.length])).toEqual([
      ['replaced', 2],
      ['replaced', 2],
    ]);
    for (const { arrivals } of last?.clusters ?? []) {
      for (const { by, pauseMs } of arrivals) expect([by, typeof pauseMs]).toEqual(['resumed', 'number']);
    }
    const seen = progress().flatMap(({ clusters }) => clusters.map(({ state }) => state));
    expect(new Set(seen)).toEqual(new Set(['waiting', 'replacing', 'checking', 'replaced']));
    const logged = (clusterId: number | null, pattern: RegExp): boolean =>
      (reader.named('logs') as LogLine[][])
        .flat()
        .some((line) => line.clusterId === clusterId && pattern.test(line.text));
    await reader.until(() => logged(1, /has resumed/) && logged(null, /rolling restart done/));

    const { clusters, restart } = await admin.status();
    expect(restart?.outcome).toBe('done');
    expect(clusters.map(({ generation, restarts }) => [generation, restarts.recent[0]?.cause])).toEqual([
      [2, 'operator'],
      [2, 'operator'],
    ]);
    expect(clusters[0]?.shards[0]?.lastArrival).toMatchObject({ by: 'resumed', pauseMs: expect.any(Number) });
    const metrics = parseMetrics(await (await admin.get('/metrics')).text());
    expect(metrics.value('kallisti_handover_pause_seconds_count')).toBe(4);
    expect(metrics.value('kallisti_shard_resumes_total', { shard: '3' })).toBe(1);
    expect(metrics.value('kallisti_cluster_restarts_total', { cluster: '0', cause: 'operator' })).toBe(1);
    expect(discord.account.summary()).toMatchObject({ overlaps: 0, violations: 0 });
  });

  it('is not ready while a cluster is down, says why, and counts the crash', async () => {
    const bot = startBot();
    const admin = await AdminClient.of(bot);
    expect((await fetch(`${admin.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${admin.url}/readyz`)).status).toBe(503);
    await bot.untilReady();
    expect((await fetch(`${admin.url}/readyz`)).status).toBe(200);

    process.kill(bot.clusterPids().get(1) ?? 0, 'SIGKILL');
    let down: Readiness | undefined;
    await until(async () => {
      down = (await (await fetch(`${admin.url}/readyz`)).json()) as Readiness;
      return !down.ready;
    });
    expect(down?.notReady.map(({ clusterId }) => clusterId)).toEqual([1]);
    await until(async () => (await fetch(`${admin.url}/readyz`)).status === 200);

    const { clusters } = await admin.status();
    expect(clusters[1]).toMatchObject({
      state: 'ready',
      generation: 2,
      restarts: { count: 1, recent: [{ cause: 'crash', reason: 'was killed by SIGKILL' }] },
    });
    const metrics = parseMetrics(await (await admin.get('/metrics')).text());
    expect(metrics.value('kallisti_cluster_restarts_total', { cluster: '1', cause: 'crash' })).toBe(1);
    expect(metrics.values('kallisti_shard_up').map(({ value }) => value)).toEqual([1, 1, 1, 1]);
    expect(metrics.value('kallisti_rest_request_duration_seconds_count', { cluster: '0' })).toBeGreaterThanOrEqual(0);
    expect(metrics.value('kallisti_ipc_request_duration_seconds_count', { message: 'getAssignment' })).toBe(3);
    // What it said before the crash is still to be read.
    const logs = (await (await admin.get('/api/clusters/1/logs')).json()) as { lines: LogLine[] };
    expect(logs.lines.filter(({ text }) => /Shard 2 (?:is ready|has resumed)/.test(text))).toHaveLength(2);
  });

  it('finds guilds wherever they are, and stops the bot', async () => {
    const bot = startBot();
    await bot.untilReady();
    const admin = await AdminClient.of(bot);
    for (const guildId of discord.guildIds) {
      const found = (await (await admin.get(`/api/find/guild/${guildId}`)).json()) as { guild: { id: string } | null };
      expect(found.guild?.id).toBe(guildId);
    }
    expect(await (await admin.get('/api/find/guild/4194304')).json()).toEqual({ guild: null });
    expect((await admin.post('/api/eval', { code: '1', target: 'all' })).status).toBe(403);

    const reader = admin.watch();
    await reader.until(() => reader.named('status').length > 0);
    expect((await admin.post('/api/stop')).status).toBe(202);
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    await reader.until(() => reader.closed);
    expect(reader.named('stopping')).toHaveLength(1);
    expect(existsSync(join(bot.dataDir, 'admin.json'))).toBe(false);
    expect(bot.processes()).toEqual([]);
  });

  it('serves before Discord answers, so that one sees why the bot does not come up', async () => {
    const bot = startBot({ DISCORD_API_URL: 'http://127.0.0.1:9/api' });
    const admin = await AdminClient.of(bot);
    expect((await fetch(`${admin.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${admin.url}/readyz`)).json()).toMatchObject({ reason: 'the master is starting' });
    await bot.untilLogged(/trying again in/);
    expect(await admin.status()).toMatchObject({ phase: 'starting', clusters: [] });
    const { lines } = (await (await admin.get('/api/logs')).json()) as { lines: LogLine[] };
    expect(lines.some(({ level, text }) => level === 'warn' && /trying again in/.test(text))).toBe(true);
  });

  it('of a second bot on the machine takes another port, and keeps to its own token', async () => {
    const [one, two] = [startBot({ ADMIN_PORT: undefined }), startBot({ ADMIN_PORT: undefined })];
    const admins = await Promise.all([one, two].map((bot) => AdminClient.of(bot)));
    const [first, second] = admins;
    expect(first?.url).not.toBe(second?.url);
    for (const admin of admins) expect((await admin.get('/api/status')).status).toBe(200);
    const foreign = await fetch(`${first?.url}/api/status`, { headers: second?.headers ?? {} });
    expect(foreign.status).toBe(401);
  });
});

it('a port that was set and is taken ends the start with one line', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const bot = startBot({ ADMIN_PORT: String(port) });
  expect(await bot.ended()).toEqual({ code: 1, signal: null });
  expect(bot.stderr).toBe(
    `ADMIN_PORT is ${port}, which another program uses; choose another, or 0 for any that is free\n`,
  );
  expect(bot.processes()).toEqual([]);
  await new Promise((resolve) => other.close(resolve));
});

it('off means off', async () => {
  const bot = startBot({ ADMIN_PORT: 'off' });
  await bot.untilReady();
  expect(existsSync(join(bot.dataDir, 'admin.json'))).toBe(false);
  expect(bot.lines.some(({ msg }) => /admin API/.test(msg))).toBe(false);
});

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLogger } from 'kallisti';
import { Admin, FleetCommands } from 'kallisti/master';
import { FakeFleet } from '../FakeFleet.js';
import { measurePage, type PageReport } from '../statusPage.js';
import type { ClientOrder, ClientReport } from './adminClient.js';

export interface AdminReport {
  readonly statusMs: readonly number[];
  readonly statusKb: number;
  readonly metricsMs: readonly number[];
  readonly metricsKb: number;
  readonly series: number;
  readonly viewersPercent: number;
  readonly eventKbPerSecond: number;
  /** Undefined if there is no browser. */
  readonly page: PageReport | undefined;
}

const CLUSTERS = 64;
const SHARDS_PER_CLUSTER = 16;
const ROUNDS = 8;
const VIEWERS = 50;
const WATCH_MS = 10_000;
const PAGE_LOADS = 11;

const dataDir = mkdtempSync(join(tmpdir(), 'kallisti-bench-'));
const fleet = new FakeFleet(CLUSTERS, SHARDS_PER_CLUSTER);
const logger = createLogger({ level: 'warn' });
const admin = new Admin({
  config: { host: '127.0.0.1', port: 0, portIsDefault: false, token: undefined, allowsEval: false },
  dataDir,
  localDiscord: false,
  logger,
  stopping: new AbortController().signal,
  onStopRequested: () => undefined,
});
await admin.start();
admin.watch(fleet.asFleet(new FleetCommands(fleet.commandOptions(logger))));
const traffic = setInterval(() => {
  for (const cluster of fleet.clusters.all) {
    cluster.events += 100;
    cluster.commands += 5;
  }
}, 100);

const token = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
const client = fork(fileURLToPath(new URL('adminClient.js', import.meta.url)), [admin.url ?? '', `Bearer ${token}`]);

async function ask(order: ClientOrder): Promise<ClientReport> {
  client.send(order);
  const [report] = (await once(client, 'message')) as [ClientReport];
  return report;
}

async function cpuPercent(): Promise<number> {
  const before = process.cpuUsage();
  await sleep(WATCH_MS);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (WATCH_MS / 100);
}

const status = await ask({ kind: 'time', path: '/api/status', rounds: ROUNDS });
const metrics = await ask({ kind: 'time', path: '/metrics', rounds: ROUNDS });
const atRest = await cpuPercent();
await ask({ kind: 'view', count: VIEWERS });
const watched = await cpuPercent();
const { bytesPerSecond } = await ask({ kind: 'count' });
client.disconnect();
await once(client, 'exit');

const page = await measurePage(admin.url ?? '', token, CLUSTERS, PAGE_LOADS);
clearInterval(traffic);
await admin.stop();
rmSync(dataDir, { recursive: true, force: true });
const report: AdminReport = {
  statusMs: status.ms,
  statusKb: Math.round(status.text.length / 1e3),
  metricsMs: metrics.ms,
  metricsKb: Math.round(metrics.text.length / 1e3),
  series: metrics.text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
  viewersPercent: watched - atRest,
  eventKbPerSecond: Math.round(bytesPerSecond / VIEWERS / 1e3),
  page,
};
process.send?.(report, () => process.disconnect());

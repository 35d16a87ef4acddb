import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Channel } from '../../src/core/ipc/Channel.js';
import { Handlers } from '../../src/core/ipc/Handlers.js';
import { PROTOCOL_VERSION } from '../../src/core/ipc/IpcServer.js';
import { MemoryTransport } from '../../src/core/ipc/MemoryTransport.js';
import { WorkerConnection } from '../../src/core/worker/WorkerConnection.js';
import { Simulator } from '../../src/simulator/index.js';
import { Bot } from '../e2e/Bot.js';
import { Random } from '../soak/Random.js';
import { isAlive, silentLogger } from '../support/processes.js';
import { fixture } from '../support/runScript.js';
import { Garbage, SEED } from './payloads.js';

const STRANGERS = 1_500;
const ENVELOPES = 5_000;

function frame(body: string | Buffer, length = Buffer.byteLength(body)): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(length >>> 0);
  return Buffer.concat([header, Buffer.from(body)]);
}

/** What a stranger may write on the socket of a master. */
function strangeBytes({ random, ...garbage }: Garbage, value: () => unknown): Buffer {
  const noise = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => random.below(256)));
  const hello = { protocol: PROTOCOL_VERSION, secret: 'x'.repeat(43), pid: process.pid, ready: true, ...garbage };
  switch (random.below(8)) {
    case 0:
      return noise(random.below(2_000));
    case 1: // Its header announces far more than it sends, or than is allowed.
      return frame('x', random.pick([4_097, 2 ** 31, 2 ** 32 - 1]));
    case 2:
      return frame(JSON.stringify(hello)).subarray(0, random.below(80));
    case 3:
      return frame(JSON.stringify({ ...hello, protocol: random.pick([0, PROTOCOL_VERSION + 1, 99, '1', null]) }));
    case 4:
      return frame(JSON.stringify({ ...hello, secret: value(), pid: value() }));
    case 5:
      return Buffer.concat([frame(JSON.stringify(hello)), frame('["event",1,"ready"]')]);
    case 6:
      return frame('');
    default:
      return frame(JSON.stringify(value()));
  }
}

function findSocket(folder: string): string | undefined {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, name);
    const info = statSync(path);
    if (info.isSocket()) return path;
    if (info.isDirectory()) {
      const found = findSocket(path);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The queue of a socket is full for a moment where the master has much else to do. */
async function connect(path: string): Promise<Socket> {
  for (;;) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      await sleep(10);
    }
  }
}

it(`a master and its clusters live through ${STRANGERS} strangers on its socket (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const discord = new Simulator({ guildCount: 8, shardCount: 2, identifyIntervalMs: 100, maxConcurrency: 2 });
  await discord.start();
  const bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms', ADMIN_PORT: 'off' }).start();
  try {
    await bot.untilReady();
    const pids = new Map(bot.clusterPids());
    const path = findSocket(bot.dataDir) ?? '';
    const garbage = new Garbage(new Random(SEED));
    const open = new Set<Socket>();
    for (let count = 0; count < STRANGERS; count++) {
      const socket = await connect(path);
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
      // The master may say something before it cuts them off, and Node tells of the end only to who has read that.
      socket.resume();
      socket.write(strangeBytes(garbage, () => garbage.value()));
      // Some end, some are reset, some stay and say nothing more. The master cuts those off.
      const fate = garbage.random.below(3);
      if (fate === 0) socket.end();
      if (fate === 1) socket.destroy();
    }
    for (const guildId of discord.guildIds.slice(0, 4)) await discord.runCommand({ name: 'ping', guildId }).answered;
    for (const socket of open) await once(socket, 'close', { signal: AbortSignal.timeout(15_000) });
    expect(new Map(bot.clusterPids())).toEqual(pids);
    for (const pid of [bot.pid, ...pids.values()]) expect(isAlive(pid)).toBe(true);
    expect(bot.lines.filter(({ level }) => level >= 50)).toEqual([]);
    expect(discord.account.summary()).toMatchObject({ identifies: 2, overlaps: 0, violations: 0 });
  } finally {
    await bot.dispose();
    await discord.stop();
  }
});

it('a worker that turns to garbage after a valid hello is ended, and its neighbour is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kallisti-hostile-'));
  const program = join(folder, 'garbage.mjs');
  writeFileSync(
    program,
    `import { createConnection } from 'node:net';
     const { socketPath, secret } = JSON.parse(process.env.KALLISTI_WORKER);
     const frame = (value) => {
       const body = Buffer.from(JSON.stringify(value));
       const header = Buffer.alloc(4);
       header.writeUInt32BE(body.length);
       return Buffer.concat([header, body]);
     };
     const socket = createConnection(socketPath, () => {
       socket.write(frame({ protocol: ${PROTOCOL_VERSION}, secret, pid: process.pid }));
       socket.write(frame(['event', 1, 'ready']));
       for (const data of [null, 1, 'x', [], {}, { line: 1 }, { lagMs: 'x' }])
         for (const name of ['@alive', '@logged', '@stopped', '@failed', 'ready', 'echo', '__proto__', 'constructor'])
           for (const kind of ['event', 'request', 'cancel', 'reply']) socket.write(frame([kind, 2, name, data]));
       setTimeout(() => socket.write(frame(['nonsense', {}])), 300);
     });
     socket.on('error', () => undefined);
     setInterval(() => undefined, 1000);`,
  );
  const good = new WorkerConnection(0, fixture('workers/worker.js'), silentLogger());
  const bad = new WorkerConnection(1, program, silentLogger());
  try {
    await good.connect(20_000);
    // It reports at the same moment that it is ready and that it has failed.
    const started = await bad.connect(20_000).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (started !== undefined) expect(String(started)).toMatch(/failed to start: it did not say why/);
    // The connection breaks at the first frame that is no envelope, and its sender is killed.
    const { signal } = await bad.ended;
    expect(signal).toMatch(/^SIG(KILL|TERM)$/);
    expect(await good.request('echo', 'still here')).toBe('still here');
  } finally {
    await Promise.all([good.kill(), bad.kill()]);
    rmSync(folder, { recursive: true, force: true });
  }
});

it(`a channel takes ${ENVELOPES} envelopes of any form without throwing, and either serves on or says that it closed`, async () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const envelope = fc.oneof(
    fc.tuple(
      fc.oneof(fc.constantFrom('request', 'reply', 'error', 'event', 'cancel'), json),
      fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer(), json),
      fc.oneof(fc.constantFrom('echo', 'throws', '__proto__', 'constructor', ''), json),
      json,
    ),
    fc.array(json, { maxLength: 5 }),
    json,
  );
  const text = fc.oneof({ weight: 9, arbitrary: envelope.map((value) => JSON.stringify(value)) }, fc.string());
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 5, maxLength: 5 }), async (texts) => {
      const [left, right] = MemoryTransport.pair();
      const handlers = new Handlers();
      handlers.add('echo', (data: unknown) => data, false);
      handlers.add(
        'throws',
        () => {
          throw new Error('it throws');
        },
        false,
      );
      let closed = false;
      const onClosed = (): void => {
        closed = true;
      };
      const options = { handlers, onEventError: () => undefined };
      const channel = new Channel({ ...options, transport: left, peer: 'a', onClosed });
      channel.open();
      const answered: string[] = [];
      right.listen({ message: (answer) => void answered.push(answer), closed: () => undefined });
      const asked = channel.request('x', undefined, { timeoutMs: 2_000 }).catch(() => undefined);
      for (const each of texts) right.send(each);
      right.send(JSON.stringify(['request', 1e6, 'echo', 'end']));
      await expect
        .poll(() => closed || answered.some((answer) => answer.includes('"end"')), { interval: 1 })
        .toBe(true);
      channel.end({ code: 0, signal: null });
      channel.destroy();
      await asked;
      expect(channel.pendingCount).toBe(0);
    }),
    { numRuns: ENVELOPES / 5, seed: SEED },
  );
});

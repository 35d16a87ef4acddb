import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClientFactory } from '../../src/cluster/clients/ClientAdapter.js';
import { dysnomia } from '../../src/cluster/clients/dysnomia/index.js';
import { eris } from '../../src/cluster/clients/eris/index.js';
import { oceanic } from '../../src/cluster/clients/oceanic/index.js';
import { GatewayLog } from '../../src/cluster/gateway/index.js';
import { RestAgent } from '../../src/core/discord/rest/RestAgent.js';
import { DiscordApi, DiscordRequestError } from '../../src/master/discord/DiscordApi.js';
import { recordingLogger } from '../cluster/gateway/support.js';
import { Random } from '../soak/Random.js';
import { escaped } from './escaped.js';
import { Garbage, SEED } from './payloads.js';

const ANSWERS = 1_000;

const sockets = new Set<Socket>();
let server: Server;
let answer: (socket: Socket) => void = (socket) => void socket.destroy();
let url = '';

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

function http(status: number | string, headers: Record<string, string | number>, body: string | Buffer): Buffer {
  const head = Object.entries({ 'content-length': Buffer.byteLength(body), ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\n${head}\r\n`), Buffer.from(body)]);
}

/** What a proxy, an outage or an enemy may answer. */
function hostile(garbage: Garbage): (socket: Socket) => void {
  const { random } = garbage;
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify(
    random.below(2) === 0 ? garbage.value() : { code: 1, message: 'x', errors: garbage.value() },
  );
  const status = random.pick([200, 200, 201, 204, 304, 400, 400, 403, 404, 500, 503]);
  const whole = (bytes: Buffer) => (socket: Socket) => void socket.write(bytes);
  // Seldom, because the client waits for each.
  if (random.below(400) === 0) {
    const wait = random.pick(['', 'soon', '-1', '0', '0.001', '1e999', 'NaN']);
    const scope = random.pick(['shared', 'user', 'global']);
    const limits = { 'retry-after': wait, 'x-ratelimit-scope': scope, 'x-ratelimit-reset-after': wait };
    // Once, because eris asks again after it.
    let first = true;
    return (socket) => {
      const bytes = first ? http(429, { ...json, ...limits }, body) : http(200, json, '{}');
      first = false;
      socket.write(bytes);
    };
  }
  switch (random.below(9)) {
    case 0:
      return whole(http(status, { 'content-type': 'text/html' }, '<html><body>502 Bad Gateway</body></html>'));
    case 1:
      return whole(http(status, json, random.pick(['{', '', 'null', '"', 'undefined', '\u0000', '[1,'])));
    case 2: // Half of it, then the end of this side.
      return (socket) => void socket.end(http(status, { ...json, 'content-length': 9_999 }, body));
    case 3:
      return (socket) =>
        void socket.end(random.pick(['HTTP/1.1', 'SSH-2.0-x\r\n', '\u0000\u0001', '', 'HTTP/1.1 200']));
    case 4:
      return (socket) => void socket.resetAndDestroy();
    case 5:
      return whole(
        http(status, { ...json, 'content-encoding': 'gzip' }, random.below(2) === 0 ? body : gzipSync(body)),
      );
    default:
      return whole(http(status, json, body));
  }
}

it(`REST answers that Discord never gives end a request of the master with an error, ${ANSWERS} times`, {
  timeout: 120_000,
}, async () => {
  const garbage = new Garbage(new Random(SEED));
  const api = new DiscordApi({ token: 'not-a-token-but-secret', apiUrl: url, requestTimeoutMs: 4_000 });
  for (let count = 0; count < ANSWERS; count++) {
    answer = hostile(garbage);
    const error = await api.getApplication().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error !== undefined) expect(error).toBeInstanceOf(DiscordRequestError);
    expect(String(error)).not.toContain('not-a-token');
    expect(escaped).toEqual([]);
  }
  api.close();
});

const LIBRARIES: readonly (readonly [name: string, create: ClientFactory<unknown>])[] = [
  ['eris', eris()],
  ['dysnomia', dysnomia()],
  ['oceanic.js', oceanic()],
];

it.each(LIBRARIES)(`and one of a command on %s likewise, ${ANSWERS} times`, { timeout: 120_000 }, async (_, create) => {
  const garbage = new Garbage(new Random(SEED + 1));
  const log = new GatewayLog(recordingLogger().logger, 'not-a-token');
  const adapter = await create({ token: 'not-a-token', apiUrl: url, shardIds: [0], shardCount: 1, log });
  for (let count = 0; count < ANSWERS; count++) {
    answer = hostile(garbage);
    const asked = adapter.request('POST', `/channels/${count % 7}/messages`, { content: 'x' });
    await asked.catch((error: unknown) => expect(error).toBeInstanceOf(Error));
    expect(escaped).toEqual([]);
  }
  await adapter.stop();
});

it('an answer that comes a byte at a time is given up, head or body', async () => {
  const agent = new RestAgent(new URL(url), { answerTimeoutMs: 400 });
  const timers: NodeJS.Timeout[] = [];
  for (const text of ['HTTP/1.1 200 OK\r\nx-a: '.padEnd(500, 'a'), 'HTTP/1.1 200 OK\r\n\r\n'.padEnd(500, 'b')]) {
    answer = (socket) => {
      let at = 0;
      timers.push(setInterval(() => void (socket.writable && socket.write(text[at++ % text.length] ?? '')), 5));
    };
    const error = await new Promise<Error>((resolve, reject) => {
      const request = https.get(url.replace('http:', 'https:'), { agent }, (response) => {
        response
          .resume()
          .once('error', resolve)
          .once('end', () => reject(new Error('it ended')));
      });
      request.once('error', resolve);
    });
    expect(String(error)).toMatch(/has not given a whole answer within 400 ms|aborted/);
  }
  for (const timer of timers) clearInterval(timer);
  agent.destroy();
});

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerSecret } from '../../../src/core/log/secrets.js';
import { ADMIN_LIMITS } from '../../../src/master/admin/AdminServer.js';
import { memory } from '../../support/memory.js';
import { until } from '../../support/processes.js';
import { EventReader } from './EventReader.js';
import { TOKEN, World } from './World.js';

let world: World;
beforeEach(async () => {
  world = await World.start({ config: { allowsEval: true } });
});
afterEach(() => world.stop());

/** What must be as before, whatever strangers send. */
const untouched = (): void => {
  expect(world.fleet.restart.begun).toEqual([]);
  expect(world.stopRequests).toBe(0);
  expect(world.log.logger.level).toBe('debug');
  expect(world.log.lines.filter(({ level }) => level >= 50)).toEqual([]);
};

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(world.port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {
      // Cut off, as it should be.
    });
  });
}

describe('what is too large', () => {
  it('is refused: a body, a header, a path', async () => {
    const big = 'x'.repeat(70_000);
    expect(await world.call('/api/eval', { body: { code: big, target: 'all' } })).toMatchObject({
      status: 413,
      json: { error: { code: 'INVALID_REQUEST' } },
    });
    expect((await world.call('/api/login', { token: null, body: { token: big } })).status).toBe(413);
    expect((await world.call('/api/status', { headers: { 'x-big': big } })).status).toBe(431);
    expect([404, 414, 431]).toContain((await world.call(`/${big}`)).status);
    untouched();
  });

  it('is not even read where its sender has no token', async () => {
    const socket = await open();
    socket.write(
      'POST /api/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n',
    );
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk;
    });
    await until(() => answer.includes('\r\n\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
  });
});

describe('what is no request of ours', () => {
  it.each([
    ['text/plain', '{}', 415],
    ['application/json', '{', 400],
    ['application/json', '', 400],
    ['application/json', '{"__proto__": {"polluted": 1}}', 400],
    ['application/json', '{"constructor": {"prototype": {"polluted": 1}}}', 400],
    ['application/x-www-form-urlencoded', 'clusterIds=0', 415],
    ['multipart/form-data; boundary=x', '--x--', 415],
  ])('%s %j is answered with %i', async (type, body, expected) => {
    const { status, json } = await world.call('/api/restart', { body, headers: { 'content-type': type } });
    expect([status, json]).toMatchObject([expected, { error: { code: 'INVALID_REQUEST' } }]);
    expect(Object.prototype).not.toHaveProperty('polluted');
    untouched();
  });

  it('a method that is not meant is nothing that is there', async () => {
    for (const [method, path] of [
      ['GET', '/api/restart'],
      ['PUT', '/api/status'],
      ['DELETE', '/api/clusters/0/logs'],
      ['OPTIONS', '/api/status'],
      ['TRACE', '/healthz'],
    ] as const) {
      const { status } = await world.call(path, { method });
      expect([method, status >= 400 && status < 500]).toEqual([method, true]);
    }
    untouched();
  });
});

const ACTIONS = ['/api/restart', '/api/eval', '/api/loglevel', '/api/stop', '/api/logout'] as const;

it('10 000 requests of any kind, with and without the token, change nothing and break nothing', async () => {
  const segment = fc.oneof(
    fc.constantFrom(
      'api',
      'status',
      'clusters',
      'find',
      'guild',
      'events',
      'metrics',
      'healthz',
      '0',
      '..',
      '%2e%2e',
      '',
    ),
    fc.string({ maxLength: 12 }).map(encodeURIComponent),
  );
  // Not `fc.webQueryParameters`: it builds a table of all of Unicode first. Any byte may come, not just valid UTF-8.
  const queryUnit = fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(..."abcXYZ0189-._~!$&'()*+,;=:@/?") },
    { weight: 1, arbitrary: fc.nat(255).map((byte) => `%${byte.toString(16).padStart(2, '0')}`) },
  );
  const input = fc.record({
    path: fc.oneof(
      fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
      fc.constantFrom('/api/status', '/api/logs', '/metrics', '/api/find/user/123456789', '/api/login', ...ACTIONS),
    ),
    query: fc.oneof(
      fc.constant(''),
      fc.string({ unit: queryUnit, maxLength: 20 }).map((query) => `?${query}`),
    ),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH'),
    token: fc.oneof(fc.constant(null), fc.constant(TOKEN), fc.stringMatching(/^[!-~]{0,40}$/)),
    body: fc.oneof(fc.constant(undefined), fc.json({ maxDepth: 2 }), fc.string({ maxLength: 40 })),
    cookie: fc.oneof(fc.constant(''), fc.stringMatching(/^[!-~ ]{0,40}$/)),
  });
  const memoryBefore = memory();
  const inputs = fc.sample(input, { numRuns: 10_000, seed: 5 });
  const statuses = new Map<number, number>();
  const one = async ({ path, query, method, token, body, cookie }: (typeof inputs)[number]): Promise<void> => {
    if (path === '/api/events') return;
    // Not the actions with the token: those are meant to change something.
    const shown = ACTIONS.some((action) => path.startsWith(action)) && token === TOKEN ? null : token;
    const hasBody = method !== 'GET' && method !== 'HEAD' && body !== undefined;
    const { status, text, headers } = await world.call(`${path}${query}`, {
      method,
      token: shown,
      headers: cookie === '' ? {} : { cookie },
      ...(hasBody ? { body } : {}),
    });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect([path, status < 500]).toEqual([path, true]);
    expect(text).not.toContain(TOKEN);
    if (status >= 400 && method !== 'HEAD' && text !== '') expect(headers['content-type']).toMatch(/json/);
  };
  for (let n = 0; n < inputs.length; n += 50) await Promise.all(inputs.slice(n, n + 50).map(one));
  untouched();
  expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 401, 404, 429]));
  expect((await world.call('/api/status')).status).toBe(200);
  expect(memory() - memoryBefore).toBeLessThan(300 * 1024 * 1024);
}, 120_000);

describe('a slow client', () => {
  it('has ten seconds for the headers of a request, and five more for its body', () => {
    expect(ADMIN_LIMITS).toMatchObject({ headersMs: 10_000, requestMs: 15_000, checkMs: 2_000 });
  });

  it('that does not finish its request holds nobody up and is cut off', async () => {
    await world.stop();
    world = await World.start({ limits: { headersMs: 2_000, requestMs: 2_500, checkMs: 100 } });
    const sockets = await Promise.all(Array.from({ length: 50 }, open));
    const closed = sockets.map((socket) => once(socket, 'close'));
    for (const [n, socket] of sockets.entries()) {
      socket.write(
        n % 2 === 0 ? 'GET /api/sta' : `POST /api/stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`,
      );
      socket.resume();
    }
    expect((await world.call('/api/status')).status).toBe(200);
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([]);
    await Promise.all(closed);
    untouched();
  });
});

describe('secrets', () => {
  it('are in no answer, whoever puts them where', async () => {
    const release = [registerSecret('hunter2hunter2'), registerSecret('1234567890')];
    const first = world.fleet.clusters.all[0];
    if (first === undefined) throw new Error('no cluster');
    first.answers.findUser = () => ({
      id: '1',
      username: `hunter2hunter2 ${TOKEN}`,
      bot: false,
      clusterId: 1234567890,
    });
    first.answers.evaluate = () => ({ target: 'x', ok: true, output: `the token is ${TOKEN}` });
    first.logTail.push(JSON.stringify({ level: 30, time: 1, msg: `hunter2hunter2 ${TOKEN}` }));
    first.answers.findGuild = () => {
      throw new Error(`${TOKEN} hunter2hunter2`);
    };
    const reader = new EventReader(`${world.url}/api/events?logs=all`, { authorization: `Bearer ${TOKEN}` });
    await reader.until(() => reader.named('logs').length > 0);
    reader.close();
    const answers = await Promise.all([
      world.call('/api/find/user/1234567890123456'),
      world.call('/api/find/guild/4194304'),
      world.call('/api/eval', { body: { code: TOKEN, target: { clusterId: 0 } } }),
      world.call('/api/logs'),
      world.call('/api/status'),
      world.call('/metrics'),
      world.call(`/api/${TOKEN}`),
      world.call('/api/loglevel', { body: { level: TOKEN } }),
    ]);
    const all = JSON.stringify([answers.map(({ text, headers }) => [text, headers]), reader.events, world.log.lines]);
    expect(all).not.toContain('hunter2hunter2');
    expect(all).not.toContain(TOKEN);
    // JSON all the same, where a secret of digits stood in the place of a number.
    expect(answers[0]?.json).toMatchObject({ user: { username: '[redacted] [redacted]' } });
    for (const each of release) each();
  });
});

describe('stop', () => {
  it('ends with event streams, idle connections and half a request open, and leaves nothing behind', async () => {
    const handles = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length;
    const readers = Array.from(
      { length: 5 },
      () => new EventReader(`${world.url}/api/events?logs=all`, { authorization: `Bearer ${TOKEN}` }),
    );
    await Promise.all(readers.map((reader) => reader.until(() => reader.named('status').length > 0)));
    const idle = await open();
    const half = await open();
    half.write('GET /healthz HTTP/1.1\r\n');
    const startedAt = performance.now();
    await world.admin.stop();
    // Half a request may take 10 s otherwise, and a stream for ever.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await Promise.all(readers.map((reader) => reader.until(() => reader.closed)));
    await until(() => idle.destroyed && half.destroyed);
    await world.admin.stop();
    await expect(world.call('/healthz')).rejects.toThrow();
    await sleep(50);
    const before = handles();
    await sleep(1_200);
    expect(handles()).toBeLessThanOrEqual(before);
    expect(world.fleet.restart.listenerCount('progress')).toBe(0);
    expect(world.fleet.clusters.listenerCount('spawningworker')).toBe(0);
  });
});

import { type IncomingHttpHeaders, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { discord, pongBot, start, until } from './local.js';
import type { RawGateway } from './RawGateway.js';

let client: RawGateway;

beforeEach(async () => {
  await start({ guildCount: 2, interactionDeadlineMs: 1000, control: true });
  client = await pongBot('ping');
});

async function control(method: string, path: string, body?: unknown) {
  const response = await fetch(`${new URL(discord.url).origin}/simulator${path}`, {
    method,
    headers: {
      authorization: `Bearer ${discord.controlToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: string;
  readonly to?: Simulator;
}

/** As an owner's command: what a stranger would want most. By node:http, because `fetch` sets Host and Origin itself. */
function attempt({ method = 'POST', path = '/commands', headers = {}, body, to = discord }: Sent) {
  const { hostname, port } = new URL(to.url);
  const command = JSON.stringify({ name: 'ping', guildId: to.guildIds[0], userId: to.ownerId });
  const text = body ?? (method === 'GET' ? '' : command);
  const defaults = {
    authorization: `Bearer ${to.controlToken}`,
    ...(text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  };
  const merged = Object.entries({ ...defaults, ...headers }).filter(([, value]) => value !== undefined);
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const sent = request({ hostname, port, method, path: `/simulator${path}`, headers: Object.fromEntries(merged) });
    sent.once('error', reject);
    sent.once('response', (response) => {
      let received = '';
      response.on('data', (chunk) => {
        received += chunk;
      });
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: received }),
      );
    });
    sent.end(text);
  });
}

it('runs a command and waits for the answer', async () => {
  const [guildId] = discord.guildIds;
  const { body } = await control('POST', '/commands', { name: 'ping', guildId });
  expect(body).toMatchObject({ answer: { content: 'pong' }, interaction: { name: 'ping', state: 'answered' } });
  const failed = await control('POST', '/commands', { name: 'nobody', guildId });
  expect(failed).toMatchObject({ status: 400, body: { error: expect.stringContaining('nobody acknowledged it') } });
});

it('shows the account, in short and in full', async () => {
  expect((await control('GET', '/account')).body).toMatchObject({ identifies: 1, violations: 0 });
  expect((await control('GET', '/account/full')).body.connections).toMatchObject([{ id: 'c1' }]);
});

it('starts and stops traffic', async () => {
  await control('POST', '/traffic', { commandsPerSecond: 500 });
  await until(() => discord.account.interactions.length > 0, 'a command');
  await control('POST', '/traffic', { stop: true });
  expect(discord.traffic.isRunning).toBe(false);
});

it('makes faults, and says which there are', async () => {
  expect((await control('POST', '/faults/dropSocket', { args: [0, { code: 4008 }] })).body).toEqual({
    ok: true,
    struck: 1,
  });
  await expect(client.closed).resolves.toMatchObject({ code: 4008 });
  const unknown = await control('POST', '/faults/meteor', {});
  expect(unknown.status).toBe(400);
  expect(unknown.body.error).toContain('dropSocket');
});

it('sends a message', async () => {
  const { body } = await control('POST', '/messages', { content: 'hello', guildId: discord.guildIds[0] });
  expect(body).toMatchObject({ content: 'hello', deliveries: [{ connectionId: 'c1' }] });
});

describe('a request that is refused', () => {
  afterEach(() => {
    expect(discord.account.interactions).toEqual([]);
  });

  it.each([
    ['without a token', undefined],
    ['with another token', 'Bearer 2SmyO3nF0u0mB8Xq0lUq5YJ1n3bqkqkq0Yk4Jm7bqkq'],
    ['with an empty token', 'Bearer '],
    ['with a bot token in place of it', 'bot'],
    ['with the token in another scheme', 'basic'],
    ['with the token and something after it', 'longer'],
  ])('%s is a 401, whatever it asks for', async (_what, given) => {
    const authorization = {
      bot: `Bot ${discord.token}`,
      basic: `Basic ${discord.controlToken}`,
      longer: `Bearer ${discord.controlToken}x`,
    }[given ?? ''];
    const headers = { authorization: authorization ?? given };
    for (const path of ['/commands', '/messages', '/traffic', '/faults/dropSocket', '/nothing', '']) {
      expect(await attempt({ path, headers })).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
      });
    }
    for (const path of ['/account', '/account/full']) {
      expect(await attempt({ method: 'GET', path, headers })).toMatchObject({ status: 401 });
      expect(await attempt({ method: 'HEAD', path, headers, body: '' })).toMatchObject({ status: 401 });
    }
    expect(discord.traffic.isRunning).toBe(false);
  });

  it.each(['https://example.com', 'null', 'http://127.0.0.1:1', 'https://localhost'])(
    'from a page of the site %s is a 403',
    async (origin) => {
      const answer = await attempt({ headers: { origin } });
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect((await attempt({ method: 'OPTIONS', headers: { origin }, body: '' })).status).toBe(403);
    },
  );

  it.each([
    'example.com',
    'localhost.example.com:PORT',
    '127.0.0.1.example.com:PORT',
    'localhost:1',
    'x@localhost:PORT',
  ])('under the name %s, as after DNS rebinding, is a 403', async (host) => {
    const { port } = new URL(discord.url);
    const headers = { host: host.replace('PORT', port) };
    expect((await attempt({ headers })).status).toBe(403);
    expect((await attempt({ method: 'GET', path: '/account', headers })).status).toBe(403);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'text/plain; x=application/json', undefined])(
    'with a body of content type %s is a 415',
    async (type) => {
      expect((await attempt({ headers: { 'content-type': type } })).status).toBe(415);
    },
  );

  it('with a body of more than 64 KiB is a 413', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(65 * 1024), guildId: discord.guildIds[0] });
    expect((await attempt({ body })).status).toBe(413);
  });

  it.each(['[]', '"text"', 'null', '{', '{"__proto__":{"a":1}}'])('with the body %s is a 400', async (body) => {
    expect(await attempt({ body })).toMatchObject({ status: 400, text: expect.stringContaining('error') });
  });

  it('with GET where something is to happen, or POST where something is read, is a 404', async () => {
    for (const path of ['/commands', '/messages', '/traffic', '/faults/dropSocket']) {
      expect((await attempt({ method: 'GET', path })).status).toBe(404);
    }
    for (const path of ['/account', '/account/full']) expect((await attempt({ path })).status).toBe(404);
  });
});

it.each(['localhost', '127.0.0.1', '[::1]'])(
  'answers to the name %s, and to a page of its own origin',
  async (name) => {
    const host = `${name}:${new URL(discord.url).port}`;
    expect((await attempt({ method: 'GET', path: '/account', headers: { host } })).status).toBe(200);
    expect((await attempt({ headers: { host, origin: `http://${host}` } })).status).toBe(200);
  },
);

it('has a token of 256 bits of its own in each run', async () => {
  const other = new Simulator({ control: true });
  expect(Buffer.from(discord.controlToken ?? '', 'base64url')).toHaveLength(32);
  expect(other.controlToken).not.toBe(discord.controlToken);
});

it('is not there where nobody asked for it', async () => {
  const plain = new Simulator({ guildCount: 1 });
  await plain.start();
  expect(plain.controlToken).toBeUndefined();
  for (const headers of [{}, { authorization: undefined }]) {
    expect((await attempt({ to: plain, headers })).status).toBe(404);
    expect((await attempt({ to: plain, headers, method: 'GET', path: '/account' })).status).toBe(404);
  }
  expect(plain.account.interactions).toEqual([]);
  await plain.stop();
});

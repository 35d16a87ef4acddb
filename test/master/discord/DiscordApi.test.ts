import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DiscordRefusedError } from '../../../src/core/errors.js';
import { DiscordApi, DiscordRequestError } from '../../../src/master/discord/DiscordApi.js';
import { Simulator } from '../../../src/simulator/index.js';
import { ManualClock } from '../../support/ManualClock.js';
import { rejection } from '../../support/processes.js';

const TOKEN = 'not-a-token-but-as-secret-as-one';

const apis: DiscordApi[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) api.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    if (server.listening) await once(server, 'close');
  }
});

function apiAt(apiUrl: string, options: { token?: string; clock?: ManualClock } = {}): DiscordApi {
  const api = new DiscordApi({ token: TOKEN, apiUrl, ...options });
  apis.push(api);
  return api;
}

/** A server that is not Discord. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
}

const answer =
  (status: number, body: unknown, type = 'application/json') =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response
      .writeHead(status, { 'content-type': type })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

const gateway = {
  url: 'ws://127.0.0.1:1',
  shards: 2,
  session_start_limit: { total: 1000, remaining: 999, reset_after: 14_400_000, max_concurrency: 1 },
};

describe('against the local Discord', () => {
  const simulator = new Simulator({ shardCount: 8, maxConcurrency: 2, ownerCount: 2 });
  beforeAll(() => simulator.start());
  afterAll(() => simulator.stop());
  afterEach(() => simulator.faults.clear());
  const api = (): DiscordApi => apiAt(simulator.url, { token: simulator.token });

  it('reads the gateway and the identify budget', async () => {
    expect(await api().getGateway()).toEqual({
      url: simulator.gatewayUrl,
      shards: 8,
      sessionStartLimit: { total: 1000, remaining: 1000, resetAfterMs: expect.any(Number), maxConcurrency: 2 },
    });
  });

  it('reads the application and who owns it', async () => {
    const { id, ownerIds } = await api().getApplication();
    expect(id).toBe(simulator.applicationId);
    expect([...ownerIds].sort()).toEqual([...simulator.ownerIds].sort());
  });

  it('asks the older address where the application has no newer one', async () => {
    simulator.faults.failRest({
      route: '/applications/@me',
      times: 1,
      status: 404,
      body: { code: 0, message: '404: Not Found' },
    });
    expect((await api().getApplication()).id).toBe(simulator.applicationId);
    expect(simulator.account.rest.byRoute['GET /oauth2/applications/@me']).toBe(1);
  });

  it('is refused with a wrong token, in one line without it', async () => {
    const error = await rejection(apiAt(simulator.url).getGateway());
    expect(error).toBeInstanceOf(DiscordRefusedError);
    expect(error.message).toMatch(/^DISCORD_TOKEN is not valid: 127\.0\.0\.1:\d+ answered 401\./);
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(TOKEN);
  });

  it('says what Discord said when it refuses a request', async () => {
    const error = await rejection(api().createCommand(simulator.applicationId, { name: 'NOT VALID', description: '' }));
    expect(error).toMatchObject({ code: 'DISCORD_UNREACHABLE', status: 400 });
    expect(error.message).toMatch(
      /^127\.0\.0\.1:\d+: POST \/applications\/\d+\/commands failed: 400 Bad Request \(.*\)$/,
    );
  });

  it('says an interaction’s token that is not valid is just that, and does not print it', async () => {
    const interactionToken = `aW50ZXJhY3Rpb246${'x'.repeat(80)}`;
    const error = await rejection(api().editInteractionAnswer(simulator.applicationId, interactionToken, 'text'));
    expect(error).toBeInstanceOf(DiscordRequestError);
    expect(error.message).toMatch(/editing the answer to a command failed: 40[14]/);
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(interactionToken);
  });

  it('fails at once while Discord answers 502, and asks once', async () => {
    simulator.faults.failRest({ route: '/gateway/bot', status: 502 });
    const asked = (): number => simulator.account.rest.byRoute['GET /gateway/bot'] ?? 0;
    const before = asked();
    const error = await rejection(api().getGateway());
    expect(asked()).toBe(before + 1);
    expect(error).toMatchObject({ code: 'DISCORD_UNREACHABLE', retryable: true });
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+: GET \/gateway\/bot failed: 503 Bad Gateway$/);
  });
});

describe('an answer that is not Discord’s', () => {
  const cases: Record<string, [Parameters<typeof serve>[0], RegExp]> = {
    'an HTML page': [
      answer(200, '<html>', 'text/html'),
      /the answer is not what Discord sends; is DISCORD_API_URL right\?$/,
    ],
    'broken JSON': [answer(200, '{"url":'), /the answer is not JSON$/],
    'missing fields': [answer(200, { url: 'wss://x' }), /the answer is not what Discord sends/],
    'nothing at all': [answer(200, ''), /the answer is not what Discord sends/],
    'a wrong address': [answer(404, 'nothing here', 'text/plain'), /GET \/gateway\/bot failed: 404 Not Found$/],
    'a cut connection': [(request) => void request.socket.destroy(), /the connection was cut|socket hang up/],
  };
  for (const [name, [handle, message]] of Object.entries(cases)) {
    it(`is a clear error: ${name}`, async () => {
      const error = await rejection(apiAt(await serve(handle)).getGateway());
      expect(error).toBeInstanceOf(DiscordRequestError);
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('\n');
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(TOKEN);
    });
  }

  it('may name a charset', async () => {
    const url = await serve(answer(200, gateway, 'application/json; charset=utf-8'));
    expect((await apiAt(url).getGateway()).shards).toBe(2);
  });

  it('may come too late', async () => {
    const clock = new ManualClock();
    const asked = rejection(apiAt(await serve(() => undefined), { clock }).getGateway());
    await clock.advance(20_000);
    expect((await asked).message).toMatch(/no answer within 20000 ms$/);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is not waited for by who has given up', async () => {
    const api = apiAt(await serve(() => undefined));
    const abort = new AbortController();
    const asked = api.getGateway(abort.signal);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    await expect(api.getGateway(abort.signal)).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
  });

  it('does not come after close', async () => {
    const api = apiAt(await serve(() => undefined));
    const asked = rejection(api.getGateway());
    api.close();
    expect(await asked).toBeInstanceOf(DiscordRequestError);
    expect(await rejection(api.getGateway())).toBeInstanceOf(DiscordRequestError);
  });
});

describe('the owners', () => {
  const ownersOf = async (application: object): Promise<readonly string[]> =>
    (await apiAt(await serve(answer(200, { id: '1', ...application }))).getApplication()).ownerIds;

  it('are the owner where there is no team', async () => {
    expect(await ownersOf({ owner: { id: '7' }, team: null })).toEqual(['7']);
    expect(await ownersOf({})).toEqual([]);
  });

  it('are those of the team who have joined it and may do more than read', async () => {
    const member = (id: string, role?: string, membership_state = 2) => ({ membership_state, role, user: { id } });
    const members = [
      member('1', 'admin'),
      member('2', 'developer'),
      member('3', 'read_only'),
      member('4', 'admin', 1),
      member('5'),
    ];
    expect(await ownersOf({ owner: { id: '99' }, team: { owner_user_id: '6', members } })).toEqual([
      '6',
      '1',
      '2',
      '5',
    ]);
  });
});

it('names host and reason when nobody listens there', async () => {
  const url = await serve(() => undefined);
  servers[0]?.close();
  const error = await rejection(apiAt(url).getGateway());
  expect(error.message).toBe(
    `${new URL(url).host}: GET /gateway/bot failed: nobody listens there (connection refused)`,
  );
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKEN, World } from './World.js';

let world: World;
const folder = mkdtempSync(join(tmpdir(), 'kallisti-page-'));
beforeAll(async () => {
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>x</title>');
  writeFileSync(join(folder, 'page.js'), 'export {};');
  writeFileSync(join(folder, 'notes.txt'), 'not for the public');
  writeFileSync(join(folder, 'sub', 'deep.js'), 'export {};');
  world = await World.start({ pageFolder: folder });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

const GUARDED: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/metrics'],
  ['GET', '/api/status'],
  ['GET', '/api/logs'],
  ['GET', '/api/clusters/0/logs'],
  ['GET', '/api/find/guild/1234567890123456'],
  ['GET', '/api/find/user/1234567890123456'],
  ['GET', '/api/find/channel/1234567890123456'],
  ['GET', '/api/events'],
  ['POST', '/api/restart'],
  ['POST', '/api/eval'],
  ['POST', '/api/loglevel'],
  ['POST', '/api/stop'],
];

describe('without the token', () => {
  it.each(GUARDED)('%s %s is refused, and nothing happens', async (method, path) => {
    for (const headers of [{}, { cookie: `kallisti_session_${world.port}=x` }]) {
      const { status, json } = await world.call(path, { method, token: null, headers });
      expect([status, json]).toMatchObject([401, { error: { code: 'UNAUTHORIZED', retryable: false } }]);
    }
    expect(world.fleet.restart.begun).toEqual([]);
    expect(world.stopRequests).toBe(0);
    expect(world.fleet.clusters.all.every(({ state }) => state === 'ready')).toBe(true);
  });

  it('a token that comes by another scheme is refused', async () => {
    const headers = { authorization: `Basic ${btoa(`admin:${TOKEN}`)}` };
    expect((await world.call('/api/status', { token: null, headers })).status).toBe(401);
  });

  it('the probes and the files of the page are open', async () => {
    const call = (path: string) => world.call(path, { token: null });
    expect((await call('/healthz')).json).toEqual({ status: 'ok' });
    expect((await call('/readyz')).json).toEqual({ ready: true, reason: null, notReady: [] });
    expect(await call('/')).toMatchObject({ status: 200, text: '<!doctype html><title>x</title>' });
    const script = await call('/page.js');
    expect(script).toMatchObject({ status: 200, headers: { 'content-type': 'text/javascript; charset=utf-8' } });
    const again = await world.call('/page.js', {
      token: null,
      headers: { 'if-none-match': script.headers.etag ?? '' },
    });
    expect(again).toMatchObject({ status: 304, text: '' });
  });

  it('nothing but the files of the page leaves their folder', async () => {
    for (const path of [
      '/notes.txt',
      '/sub/deep.js',
      '/../World.ts',
      '/..%2fWorld.ts',
      '/%2e%2e/package.json',
      '/page.js/../../package.json',
      '/nothing',
      '//etc/passwd',
    ]) {
      const { status, json } = await world.call(path, { token: null });
      expect([path, status, json]).toMatchObject([path, 404, { error: { code: 'NOT_FOUND' } }]);
    }
  });
});

describe('every answer', () => {
  it('has the headers that keep others out', async () => {
    for (const path of ['/', '/healthz', '/api/status', '/nothing']) {
      const { headers } = await world.call(path, { token: path === '/api/status' ? TOKEN : null });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      expect(headers).not.toHaveProperty('server');
    }
  });

  it('of the API is kept in no cache', async () => {
    for (const options of [{}, { token: null }]) {
      expect((await world.call('/api/status', options)).headers['cache-control']).toBe('no-store');
    }
  });
});

describe('a browser', () => {
  it('logs in with the token, is known by its cookie, and logs out', async () => {
    const login = await world.call('/api/login', {
      token: null,
      body: { token: TOKEN },
      headers: { origin: world.url, 'sec-fetch-site': 'same-origin' },
    });
    expect(login).toMatchObject({ status: 200, json: { expiresAt: expect.any(Number) } });
    const [set = ''] = login.headers['set-cookie'] ?? [];
    expect(set).toMatch(/^kallisti_session_\d+=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const [cookie = ''] = set.split(';');
    const call = (path: string, options: object = {}) =>
      world.call(path, { token: null, headers: { cookie: `other=1; ${cookie}`, origin: world.url }, ...options });
    expect((await call('/api/status')).status).toBe(200);
    expect((await call('/api/logout', { method: 'POST' })).status).toBe(200);
    expect((await call('/api/status')).status).toBe(401);
  });

  it('is refused where another name leads here: whose DNS is that?', async () => {
    const cookie = await world.logIn();
    for (const host of [
      `evil.example:${world.port}`,
      'evil.example',
      `127.0.0.1.evil.example:${world.port}`,
      `localhost.evil.example:${world.port}`,
      'localhost@evil.example',
      '',
    ]) {
      const origin = `http://${host}`;
      const { status, json } = await world.call('/api/status', { token: null, headers: { cookie, host, origin } });
      expect([host, status, json]).toMatchObject([host, 403, { error: { code: 'FORBIDDEN_ORIGIN' } }]);
      const login = await world.call('/api/login', { token: null, body: { token: TOKEN }, headers: { host, origin } });
      expect([host, login.status]).toEqual([host, 403]);
    }
    for (const host of [`localhost:${world.port}`, `[::1]:${world.port}`, '10.1.2.3:9000', 'bot.localhost']) {
      const { status } = await world.call('/api/status', { token: null, headers: { cookie, host } });
      expect([host, status]).toEqual([host, 200]);
    }
  });

  it('is refused where a page of another origin makes the request', async () => {
    const cookie = await world.logIn();
    const post = (headers: Record<string, string>) =>
      world.call('/api/restart', { token: null, body: {}, headers: { cookie, ...headers } });
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      // Cookies know no ports: another program of this machine is a stranger all the same.
      { origin: `http://127.0.0.1:${world.port + 1}` },
      { origin: `http://localhost:${world.port}` },
      { origin: world.url, 'sec-fetch-site': 'cross-site' },
      { origin: world.url, 'sec-fetch-site': 'same-site' },
      {},
    ]) {
      const { status, json } = await post(headers);
      expect([headers, status, json]).toMatchObject([headers, 403, { error: { code: 'FORBIDDEN_ORIGIN' } }]);
    }
    expect(world.fleet.restart.begun).toEqual([]);
    const read = await world.call('/api/status', { token: null, headers: { cookie, 'sec-fetch-site': 'cross-site' } });
    expect(read.status).toBe(403);
    expect((await post({ origin: world.url })).status).toBe(202);
    world.fleet.restart.begun.length = 0;
  });

  it('cannot be logged out by another page', async () => {
    const cookie = await world.logIn();
    const evil = { cookie, origin: 'https://evil.example' };
    expect((await world.call('/api/logout', { method: 'POST', token: null, headers: evil })).status).toBe(403);
    expect((await world.call('/api/status', { token: null, headers: { cookie } })).status).toBe(200);
  });

  it('does not get in with the cookie of a bot on another port', async () => {
    const cookie = (await world.logIn()).replace(/_\d+=/, '_1=');
    expect((await world.call('/api/status', { token: null, headers: { cookie } })).status).toBe(401);
  });
});

describe('a program', () => {
  it('with the token is asked neither for Host nor for Origin', async () => {
    const headers = { host: 'kallisti.monitoring.svc:8600', origin: 'https://grafana.example' };
    expect((await world.call('/metrics', { headers })).status).toBe(200);
  });

  it('is not let in by a wrong token because it also shows a good cookie', async () => {
    const cookie = await world.logIn();
    const { status } = await world.call('/api/status', { token: 'x'.repeat(TOKEN.length), headers: { cookie } });
    expect(status).toBe(401);
  });
});

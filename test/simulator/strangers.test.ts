import { beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Simulator } from '../../src/simulator/index.js';
import { call, discord, start } from './local.js';
import { RawGateway } from './RawGateway.js';

/** What every run had as its token once: another user of the machine must not get in with it. */
const KNOWN_TOKEN = 'local-discord.not-a-real-token.do-not-worry';
const PAGE = 'https://example.com';

beforeEach(() => start({ guildCount: 2 }));

describe('the bot token and the owner', () => {
  it('are of one run, in the same guilds', () => {
    const other = new Simulator({ guildCount: 2 });
    expect(other.token).not.toBe(discord.token);
    expect(other.ownerId).not.toBe(discord.ownerId);
    expect(other.guildIds).toEqual(discord.guildIds);
    for (const guildId of discord.guildIds) {
      expect(other.channelIdOf(guildId)).toBe(discord.channelIdOf(guildId));
      expect(other.memberIdOf(guildId, 1)).toBe(discord.memberIdOf(guildId, 1));
    }
  });

  it('cannot be guessed, and look like a token and like users', () => {
    const [prefix, kind, secret = ''] = discord.token.split('.');
    expect([prefix, kind]).toEqual(['local-discord', 'not-a-real-token']);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    const { ownerIds } = new Simulator({ ownerCount: 50 });
    expect(new Set(ownerIds).size).toBe(50);
    for (const id of ownerIds) {
      expect(id).toMatch(/^\d{18,19}$/);
      expect(Number(BigInt(id) >> 22n) + 1_420_070_400_000).toBeLessThan(Date.now());
    }
  });

  it('can be chosen, in the case of the token', () => {
    expect(new Simulator({ token: 'mine' }).token).toBe('mine');
  });

  it('are a user whom the bot can look up', async () => {
    expect((await call('GET', `/v10/users/${discord.ownerId}`)).body).toMatchObject({ id: discord.ownerId });
  });
});

describe('a stranger or a web page without the token', () => {
  it('sends no message by REST', async () => {
    const path = `/v10/channels/${discord.channelIdOf(discord.guildIds[0] ?? '')}/messages`;
    for (const authorization of [undefined, `Bot ${KNOWN_TOKEN}`]) {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        const headers = { authorization, origin: PAGE, 'content-type': type };
        expect((await call('POST', path, { content: 'not of the bot' }, headers)).status).toBe(401);
      }
    }
    expect(discord.account.rest.byStatus).toEqual({ 401: 6 });
  });

  it('is allowed no request of another origin, and reads no answer', async () => {
    const headers = {
      origin: PAGE,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    for (const path of ['/v10/users/@me', '/v10/gateway/bot', '/v10/gateway']) {
      const preflight = await fetch(discord.url + path, { method: 'OPTIONS', headers });
      expect(preflight.ok).toBe(false);
      const read = await fetch(discord.url + path, { headers: { origin: PAGE } });
      for (const { headers: given } of [preflight, read]) {
        expect([...given.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
  });

  it('does not get past HELLO on the gateway, by IDENTIFY or by RESUME', async () => {
    const bot = await RawGateway.login(discord);
    const { sessionId, seq } = bot.session;
    for (const token of ['', KNOWN_TOKEN]) {
      for (const act of ['identify', 'resume']) {
        const socket = new WebSocket(`${discord.gatewayUrl}/?v=10&encoding=json`, { origin: PAGE });
        const page = new RawGateway(socket, token);
        await new Promise((resolve) => socket.once('open', resolve));
        if (act === 'identify') page.identify();
        else page.resume(sessionId, seq);
        expect(await page.closed).toMatchObject({ code: 4004 });
        expect(page.packets.map(({ op }) => op)).toEqual([10]);
      }
    }
    expect(discord.account.connections.filter(({ closedAt }) => closedAt === null)).toHaveLength(1);
  });
});

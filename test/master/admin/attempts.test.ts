import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/core/log/secrets.js';
import { AdminToken } from '../../../src/master/admin/AdminToken.js';
import { AttemptLimiter } from '../../../src/master/admin/AttemptLimiter.js';
import { type Approach, Gate, RateLimitedError } from '../../../src/master/admin/Gate.js';
import { LOGIN_MS, Logins } from '../../../src/master/admin/Logins.js';
import { ManualClock } from '../../support/ManualClock.js';
import { TOKEN, World } from './World.js';

describe('AttemptLimiter', () => {
  it('lets ten wrong attempts of an address through, then one each six seconds', async () => {
    const clock = new ManualClock();
    const limiter = new AttemptLimiter(clock);
    const attempts = (count: number) => Array.from({ length: count }, () => limiter.note('10.0.0.1'));
    expect(attempts(10)).toEqual(Array(10).fill(0));
    expect(limiter.note('10.0.0.1')).toBe(6_000);
    expect(limiter.note('10.0.0.2')).toBe(0);
    await clock.advance(6_000);
    expect(attempts(2)).toEqual([0, 6_000]);
    await clock.advance(3_600_000);
    expect(attempts(11).filter((waitMs) => waitMs === 0)).toHaveLength(10);
  });

  it('lets fifty through in all, whatever addresses they come from', () => {
    const limiter = new AttemptLimiter(new ManualClock());
    const waits = Array.from({ length: 100 }, (_, n) => limiter.note(`10.0.0.${n}`));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(50);
  });

  it('takes a network of IPv6 for one address, and an IPv4 address in both spellings', () => {
    const limiter = new AttemptLimiter(new ManualClock());
    const waits = Array.from({ length: 11 }, (_, n) => limiter.note(`2001:db8:1:2:3:4:5:${n}`));
    expect(waits.at(-1)).toBeGreaterThan(0);
    for (let n = 0; n < 10; n++) limiter.note(n % 2 === 0 ? '10.0.0.9' : '::ffff:10.0.0.9');
    expect(limiter.note('10.0.0.9')).toBeGreaterThan(0);
  });
});

describe('Logins', () => {
  it('end after twelve hours, or when a hundred newer ones have begun, and say so to whoever watches', async () => {
    const clock = new ManualClock();
    const logins = new Logins(clock);
    const { id, login } = logins.begin();
    expect(logins.find(id)).toBe(login);
    await clock.advance(LOGIN_MS);
    expect(logins.find(id)).toBeUndefined();
    expect(login.ended.aborted).toBe(true);

    const first = logins.begin();
    for (let n = 0; n < 100; n++) logins.begin();
    expect(logins.find(first.id)).toBeUndefined();
    expect(first.login.ended.aborted).toBe(true);
  });
});

describe('guesses from another machine', () => {
  const gateOf = (clock: ManualClock) =>
    new Gate({ token: new AdminToken(new Secret(TOKEN)), host: '0.0.0.0', cookieName: () => 'session', clock });
  const approach = (token: string, remoteAddress: string): Approach => ({
    headers: { authorization: `Bearer ${token}` },
    method: 'GET',
    socket: { remoteAddress },
  });

  it('are not looked at when there were too many, and again after a while', async () => {
    const clock = new ManualClock();
    const gate = gateOf(clock);
    for (let n = 0; n < 10; n++) expect(() => gate.admit(approach('wrong', '10.0.0.1'))).toThrow('the token is wrong');
    // Otherwise one could go on guessing until an answer is another one.
    expect(() => gate.admit(approach(TOKEN, '10.0.0.1'))).toThrow(RateLimitedError);
    expect(gate.admit(approach(TOKEN, '10.0.0.2')).by).toBe('token');
    await clock.advance(6_000);
    expect(gate.admit(approach(TOKEN, '10.0.0.1')).by).toBe('token');
  });

  it('and from this one lock nobody out who has the right token', () => {
    const gate = gateOf(new ManualClock());
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      for (let n = 0; n < 20; n++) expect(() => gate.admit(approach('wrong', address))).toThrow();
      expect(gate.admit(approach(TOKEN, address)).by).toBe('token');
    }
  });
});

describe('wrong tokens', () => {
  let world: World;
  afterEach(() => world.stop());

  it('are answered more and more slowly, and lock nobody out who has the right one', async () => {
    world = await World.start();
    const guess = () => world.call('/api/status', { token: 'wrong' });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push((await guess()).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    expect(await guess()).toMatchObject({
      headers: { 'retry-after': expect.stringMatching(/^[1-6]$/) },
      json: { error: { code: 'RATE_LIMITED', retryable: true } },
    });
    const login = (token: string) => world.call('/api/login', { token: null, body: { token } });
    expect((await login('wrong')).status).toBe(429);
    expect((await world.call('/api/status')).status).toBe(200);
    expect((await login(TOKEN)).status).toBe(200);
    // Ten lines, not one for every attempt of somebody who tries for hours.
    expect(world.messages().filter((message) => message === 'admin: a wrong token')).toHaveLength(10);
    expect(JSON.stringify(world.log.lines)).not.toContain(TOKEN);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiscordRefusedError } from '../../../src/core/errors.js';
import { DiscordRequestError } from '../../../src/master/discord/DiscordApi.js';
import { Discovery, type DiscoveryOptions } from '../../../src/master/discord/Discovery.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';
import { rejection } from '../../support/processes.js';

const GATEWAY = {
  url: 'wss://gateway.discord.gg',
  shards: 4,
  sessionStartLimit: { total: 1000, remaining: 990, resetAfterMs: 1000, maxConcurrency: 1 },
};
const APPLICATION = { id: '1', ownerIds: ['2', '3'] };
const OUTAGE = new DiscordRequestError('discord.com', 'GET /gateway/bot', {
  status: 503,
  reason: '503',
  cause: new Error('no'),
});
const REFUSAL = new DiscordRefusedError('DISCORD_TOKEN is not valid');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kallisti-discovery-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A Discord that first fails so often. */
function setUp({
  failures = [] as readonly Error[],
  ...changes
}: Partial<DiscoveryOptions> & { failures?: readonly Error[] } = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const left = [...failures];
  const asked: number[] = [];
  const discovery = new Discovery({
    api: {
      getGateway: async () => {
        asked.push(clock.now());
        const failure = left.shift();
        if (failure !== undefined) throw failure;
        return GATEWAY;
      },
      getApplication: async () => APPLICATION,
    },
    dataDir: folder,
    token: 'token',
    apiUrl: 'https://discord.com/api',
    logger: log.logger,
    clock,
    ...changes,
  });
  const abort = new AbortController();
  return { clock, log, discovery, asked, abort };
}

const failingApplication = (error: Error): DiscoveryOptions['api'] => ({
  getGateway: async () => GATEWAY,
  getApplication: () => Promise.reject(error),
});

describe('a master that asks Discord', () => {
  it('learns of the gateway and of the application', async () => {
    const { discovery, abort, log } = setUp();
    expect(await discovery.ask(abort.signal)).toEqual({ gateway: GATEWAY, application: APPLICATION });
    expect(log.warnings()).toEqual([]);
  });

  it('asks on after growing pauses while it cannot be reached, and logs each failure at once', async () => {
    const { clock, discovery, asked, abort, log } = setUp({ failures: [OUTAGE, OUTAGE, OUTAGE] });
    const asking = discovery.ask(abort.signal);
    await nextTurn();
    expect(log.warnings()).toEqual(['discord.com: GET /gateway/bot failed: 503; trying again in 1 s']);
    await clock.advance(10_000);
    expect(await asking).toMatchObject({ gateway: GATEWAY });
    const pauses = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
    for (const [i, pauseMs] of pauses.entries()) {
      expect(pauseMs).toBeGreaterThanOrEqual(750 * 2 ** i);
      expect(pauseMs).toBeLessThanOrEqual(1000 * 2 ** i);
    }
    expect(pauses.length).toBe(3);
    expect(log.lines.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up when it is told to stop, in the middle of a pause', async () => {
    const { clock, discovery, asked, abort } = setUp({ failures: [OUTAGE] });
    const asking = rejection(discovery.ask(abort.signal));
    await nextTurn();
    abort.abort();
    expect(await asking).toMatchObject({ code: 'REQUEST_ABORTED' });
    expect(clock.pendingTimers).toBe(0);
    expect(asked.length).toBe(1);
  });

  it.each([REFUSAL, new Error('a bug')])('does not ask again where no retry can help: %s', async (failure) => {
    const { discovery, asked, abort } = setUp({ failures: [failure] });
    expect(await rejection(discovery.ask(abort.signal))).toBe(failure);
    expect(asked.length).toBe(1);
    expect(discovery.remembered()).toBeUndefined();
  });
});

describe('an application that cannot be read', () => {
  it('costs its commands and owners, and nothing else', async () => {
    const { discovery, abort, log } = setUp({ api: failingApplication(OUTAGE) });
    expect(await discovery.ask(abort.signal)).toEqual({ gateway: GATEWAY, application: undefined });
    expect(log.warnings()).toEqual([
      'the application could not be read: no slash commands are registered, and only OWNER_IDS are owners',
    ]);
    expect(discovery.remembered()).toEqual({ gateway: GATEWAY, application: undefined });
  });

  it('because Discord refuses the token fails the start', async () => {
    const { discovery, abort } = setUp({ api: failingApplication(REFUSAL) });
    expect(await rejection(discovery.ask(abort.signal))).toBe(REFUSAL);
  });
});

describe('what Discord has said', () => {
  it('is known to the next master of the same bot, and to no other', async () => {
    const { discovery, abort } = setUp();
    await discovery.ask(abort.signal);
    expect(setUp().discovery.remembered()).toEqual({ gateway: GATEWAY, application: APPLICATION });
    expect(setUp({ token: 'another' }).discovery.remembered()).toBeUndefined();
    expect(setUp({ apiUrl: 'http://127.0.0.1:1/api' }).discovery.remembered()).toBeUndefined();
  });

  it.each(['', '{"version":1}', 'no JSON'])('is not known where the file holds %o', (content) => {
    writeFileSync(join(folder, 'discovery.json'), content);
    expect(setUp().discovery.remembered()).toBeUndefined();
  });

  it('is returned also where it cannot be written down', async () => {
    const { discovery, abort, log } = setUp({ dataDir: join(folder, 'missing') });
    expect(await discovery.ask(abort.signal)).toEqual({ gateway: GATEWAY, application: APPLICATION });
    expect(log.warnings()).toEqual([expect.stringContaining('will have to wait for Discord')]);
    expect(discovery.remembered()).toBeUndefined();
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Command } from '../../../src/cluster/commands/Command.js';
import { CommandRouter } from '../../../src/cluster/commands/CommandRouter.js';
import { createCommands } from '../../../src/cluster/commands/commands.js';
import { FIRST_ATTEMPT } from '../../../src/cluster/dispatch/CommandAttempt.js';
import type { EvalResult, FleetStats } from '../../../src/core/contracts/ClusterContract.js';
import { RemoteError, RequestTimeoutError } from '../../../src/core/errors.js';
import { BOT_ID, DiscordError, FakeDiscord, fakeContext, GUILD_ID, idle, OWNER_ID, USER_ID } from './FakeDiscord.js';

const SECRET = 'very-secret-token';
const DEFER_AFTER_MS = 30;

interface LogLine {
  level: string;
  message: string;
  details: Record<string, unknown>;
}

function setUp(extra: readonly Command[] = []) {
  const discord = new FakeDiscord();
  const { context, master } = fakeContext();
  const log: LogLine[] = [];
  const write = (level: string) => (details: object, message: string) =>
    log.push({ level, message, details: { ...details } });
  const evaluate = async ({ code }: { code: string }): Promise<EvalResult> => ({
    target: 'cluster 1',
    ok: true,
    output: code,
  });
  const begun: string[] = [];
  const router = new CommandRouter({
    context,
    rest: discord,
    identity: () => discord.identity,
    commands: [...createCommands({ evaluate }), ...extra],
    logger: { debug: write('debug'), warn: write('warn'), error: write('error') },
    scrub: (text) => text.replaceAll(SECRET, '[redacted]'),
    deferAfterMs: DEFER_AFTER_MS,
    runCommand: ({ name }, _command, run) => {
      begun.push(name);
      void run(FIRST_ATTEMPT);
    },
  });
  discord.receive = (shardId, packet) => router.receive(shardId, packet);
  router.start();
  return { discord, master, log, begun, router, settled: () => idle(router) };
}

const command = (name: string, run: Command['run'], more: Partial<Command> = {}): Command => ({
  definition: { name, description: name },
  run,
  ...more,
});

let world: ReturnType<typeof setUp>;
beforeEach(() => {
  world = setUp();
});
afterEach(() => world.router.stop());

/** Runs a slash command to its end. */
async function run(name: string, options: Record<string, unknown> = {}, userId = USER_ID) {
  world.discord.runSlash(name, options, { userId });
  await world.settled();
  return world.discord.lastText;
}

async function say(content: string, userId = USER_ID) {
  world.discord.say(content, { userId });
  await world.settled();
  return world.discord.lastText;
}

describe('a slash command', () => {
  it('is answered by one callback that pings nobody and carries no bot token', async () => {
    const id = world.discord.runSlash('ping');
    await world.settled();
    expect(world.discord.calls).toEqual([
      {
        method: 'POST',
        url: `/interactions/${id}/token-of-${id}/callback`,
        auth: false,
        lane: '/interactions/callback/0',
        body: {
          type: 4,
          data: {
            content: `pong · gateway latency 42 ms · shard 3 · cluster 1 · pid ${process.pid}`,
            allowed_mentions: { parse: [], replied_user: false },
          },
        },
      },
    ]);
  });

  it('that is not one of its own is left to the listeners of the bot, and said once at level debug', async () => {
    world.discord.runSlash('vanished');
    world.discord.runSlash('vanished');
    await new Promise((resolve) => setTimeout(resolve, 2 * DEFER_AFTER_MS));
    await world.settled();
    expect(world.discord.calls).toEqual([]);
    expect(world.router.handled).toBe(0);
    expect(world.begun).toEqual([]);
    expect(world.log).toMatchObject([{ level: 'debug', details: { name: 'vanished' } }]);
  });

  it('with a wrong argument gets one line with the usage', async () => {
    expect(await run('shards', { cluster: 'x' })).toBe(
      '`cluster` must be a whole number, not `x`. Usage: `shards [cluster]`',
    );
  });

  it('in a direct message belongs to the shard that has told of it', async () => {
    const interaction = {
      id: '1',
      token: 't',
      application_id: BOT_ID,
      type: 2,
      user: { id: USER_ID },
      data: { name: 'ping' },
    };
    world.discord.dispatch('INTERACTION_CREATE', interaction, 0);
    await world.settled();
    expect(world.discord.lastText).toContain('latency not measured yet · shard 0');
  });

  it('is told apart from buttons, autocompletion and context menus', async () => {
    for (const type of [1, 3, 4, 5])
      world.discord.dispatch('INTERACTION_CREATE', { type, data: { name: 'ping' }, user: { id: '1' } });
    world.discord.dispatch('INTERACTION_CREATE', { type: 2, data: { name: 'ping', type: 3 }, user: { id: '1' } });
    await world.settled();
    expect(world.router.handled).toBe(0);
  });
});

describe('a mention', () => {
  it('is answered by a reply to it that pings nobody', async () => {
    const id = world.discord.say(`<@!${BOT_ID}> ping`);
    await world.settled();
    expect(world.discord.calls).toHaveLength(1);
    expect(world.discord.calls[0]).toMatchObject({
      method: 'POST',
      auth: undefined,
      body: {
        content: expect.stringMatching(/^pong .*shard 3 · cluster 1/),
        allowed_mentions: { parse: [], replied_user: false },
        message_reference: { message_id: id, fail_if_not_exists: false },
        nonce: id,
        enforce_nonce: true,
      },
    });
  });

  it('whose first word is none of its own is left to the listeners of the bot', async () => {
    for (const text of ['', 'how are you?', 'pong', '`ping`', 'help', 'pings ping']) {
      expect(await say(`<@${BOT_ID}> ${text}`), text).toBe('');
    }
    expect(world.discord.calls).toEqual([]);
    expect(world.router.handled).toBe(0);
    expect(world.begun).toEqual([]);
  });

  it('of one of its own with wrong arguments gets one line with the usage', async () => {
    expect(await say(`<@${BOT_ID}> shards are down?`)).toMatch(/ Usage: `shards \[cluster\]`$/);
  });

  it.each([
    ['permissions', { default_member_permissions: '4' }],
    ['places', { contexts: [0] as const }],
    ['channels', { nsfw: true }],
  ])('of a command that Discord keeps to certain %s is sent on to the slash command', async (_, fields) => {
    world.router.stop();
    const run = vi.fn(async () => {});
    const definition = { name: 'ban', description: 'Bans.', ...fields };
    const own = command('own', run, { definition: { ...definition, name: 'own' }, ownerOnly: true });
    world = setUp([command('ban', run, { definition }), own]);
    expect(await say(`<@${BOT_ID}> ban`)).toMatch(/^Please use `\/ban`/);
    expect(run).not.toHaveBeenCalled();
    world.discord.runSlash('ban');
    await world.settled();
    expect(run).toHaveBeenCalledTimes(1);
    // Who the bot's owners are, the bot knows by itself.
    await say(`<@${BOT_ID}> own`, OWNER_ID);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('takes commands in any case', async () => {
    expect(await say(`<@${BOT_ID}> PING`)).toContain('pong');
  });

  it('is not what bots, webhooks, the bot itself or messages to others send', async () => {
    world.discord.say(`<@${BOT_ID}> ping`, { bot: true });
    world.discord.say(`<@${BOT_ID}> ping`, { userId: BOT_ID });
    world.discord.say('<@1> ping');
    world.discord.dispatch('MESSAGE_CREATE', {
      content: `<@${BOT_ID}> ping`,
      webhook_id: '1',
      author: { id: '1', bot: false },
      channel_id: '1',
    });
    await world.settled();
    expect(world.discord.calls).toEqual([]);
  });

  it('is ignored while nobody knows who the bot is', async () => {
    world.discord.identity = null;
    world.discord.say(`<@${BOT_ID}> ping`);
    await world.settled();
    expect(world.discord.calls).toEqual([]);
  });
});

describe('an owner command', () => {
  it.each(['eval', 'restart', 'loglevel'])('%s is refused to others so that only they see it', async (name) => {
    expect(await run(name, { code: '1', level: 'info' })).toBe(`Only the owner of this bot can use \`${name}\`.`);
    expect(world.discord.calls).toHaveLength(1);
    expect(world.discord.calls[0]?.body).toMatchObject({ type: 4, data: { flags: 64 } });
    expect(world.master.requests).toEqual([]);
  });

  it('in a mention is refused by a direct message', async () => {
    world.discord.answerWith = ({ url }) => (url === '/users/@me/channels' ? { id: 'dm' } : undefined);
    expect(await say(`<@${BOT_ID}> eval 1`)).toBe('Only the owner of this bot can use `eval`.');
    expect(world.discord.calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /users/@me/channels',
      'POST /channels/dm/messages',
    ]);
  });

  it('in a mention by somebody who takes no direct messages gets a reaction, and no words in public', async () => {
    world.discord.answerWith = ({ url }) => {
      if (url === '/users/@me/channels') return { id: 'dm' };
      if (url.startsWith('/channels/dm/')) throw new DiscordError(50007);
      return undefined;
    };
    await say(`<@${BOT_ID}> eval 1`);
    expect(world.discord.calls.at(-1)?.url).toMatch(/\/reactions\/%E2%9B%94\/@me$/);
    expect(world.log.filter(({ level }) => level !== 'debug')).toEqual([]);
  });

  it('in a direct message is refused right there', async () => {
    world.discord.say(`<@${BOT_ID}> eval 1`, { guildId: undefined });
    await world.settled();
    expect(world.discord.calls).toHaveLength(1);
    expect(world.discord.calls[0]?.body).toHaveProperty('message_reference');
  });
});

describe('an answer', () => {
  it('holds no secret and is never longer than Discord takes', async () => {
    world.router.stop();
    world = setUp([command('leak', (invocation) => invocation.reply(`${SECRET} ${'😀'.repeat(2000)}`))]);
    const text = await run('leak');
    expect(text).toMatch(/^\[redacted\] 😀/);
    expect(text.length).toBeLessThanOrEqual(2000);
  });

  it('that takes long is deferred, then edited', async () => {
    let release = () => {};
    world.master.replies.findGuild = () => new Promise<null>((resolve) => (release = () => resolve(null)));
    const id = world.discord.runSlash('guild', { id: GUILD_ID });
    await vi.waitFor(() => expect(world.discord.calls).toHaveLength(1));
    release();
    await world.settled();
    expect(world.discord.calls).toMatchObject([
      { method: 'POST', url: `/interactions/${id}/token-of-${id}/callback`, body: { type: 5 } },
      {
        method: 'PATCH',
        url: `/webhooks/${BOT_ID}/token-of-${id}/messages/@original`,
        auth: false,
        body: { content: `No cluster of this bot has guild ${GUILD_ID}.`, allowed_mentions: { parse: [] } },
      },
    ]);
  });

  it('to a mention that takes long is a placeholder, then edited', async () => {
    let release = () => {};
    world.master.replies.findGuild = () => new Promise<null>((resolve) => (release = () => resolve(null)));
    world.discord.say(`<@${BOT_ID}> guild ${GUILD_ID}`);
    await vi.waitFor(() => expect(world.discord.texts).toEqual(['Working on it…']));
    release();
    await world.settled();
    expect(world.discord.calls[1]).toMatchObject({
      method: 'PATCH',
      url: expect.stringMatching(/\/messages\/message-\d+$/),
    });
  });

  it('that comes while its deferral is under way waits for it', async () => {
    world.router.stop();
    world = setUp([
      command('slow', async (invocation) => {
        void invocation.defer();
        await invocation.reply('done');
      }),
    ]);
    let acknowledge = () => {};
    world.discord.answerWith = ({ method }) =>
      method === 'POST' ? new Promise<object>((resolve) => (acknowledge = () => resolve({}))) : undefined;
    world.discord.runSlash('slow');
    await vi.waitFor(() => expect(world.discord.calls).toHaveLength(1));
    acknowledge();
    await world.settled();
    expect(world.discord.calls.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  });

  it('for one user only takes the place of a deferral that all see', async () => {
    world.router.stop();
    world = setUp([
      command('secret', async (invocation) => {
        await invocation.defer();
        await invocation.replyPrivately('psst');
      }),
    ]);
    await run('secret');
    expect(world.discord.calls).toMatchObject([
      { method: 'POST', body: { type: 5 } },
      { method: 'DELETE', url: expect.stringMatching(/@original$/) },
      { method: 'POST', body: { content: 'psst', flags: 64 } },
    ]);
  });

  it('that comes too late for Discord is a debug line and nothing more', async () => {
    world.discord.answerWith = () => {
      throw new DiscordError(10062);
    };
    await run('ping');
    expect(world.discord.calls).toHaveLength(1);
    expect(world.log.map(({ level }) => level)).toEqual(['debug']);
  });

  it('finishes what a process that died had only deferred', async () => {
    world.discord.answerWith = ({ method }) => {
      if (method === 'POST') throw new DiscordError(40060);
      return { flags: method === 'GET' ? 1 << 7 : 0 };
    };
    await run('ping');
    expect(world.discord.calls.map(({ method }) => method)).toEqual(['POST', 'GET', 'PATCH']);
    expect(world.log.map(({ level }) => level)).toEqual(['debug']);
  });

  it('leaves the answer of a process that died alone', async () => {
    world.discord.answerWith = ({ method }) => {
      if (method === 'POST') throw new DiscordError(40060);
      return { flags: 0 };
    };
    await run('ping');
    expect(world.discord.calls.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  it('goes out beside the others, each in a lane of its own that is used again', async () => {
    world.discord.answerWith = () => new Promise<object>((resolve) => setTimeout(resolve, 200, {}));
    for (let round = 0; round < 2; round++) {
      for (let count = 0; count < 5; count++) world.discord.runSlash('ping');
      await vi.waitFor(() => expect(world.discord.calls).toHaveLength(5 * (round + 1)), { interval: 1 });
      expect(world.router.running.size).toBe(5);
      await world.settled();
    }
    expect(new Set(world.discord.calls.map(({ lane }) => lane)).size).toBe(5);
  });
});

describe('a command that fails', () => {
  it('because a request did, tells the reason in one line', async () => {
    world.master.replies.findUser = new RequestTimeoutError('findUser', 10_000);
    expect(await run('user', { id: USER_ID })).toBe(
      'No reply came in the time allowed. (REQUEST_TIMEOUT: findUser: no reply within 10000 ms) Try again in a moment.',
    );
    expect(world.log).toMatchObject([{ level: 'warn', details: { name: 'user', userId: USER_ID, shardId: 3 } }]);
  });

  it('by throwing, is logged once under the id that its user gets', async () => {
    world.router.stop();
    world = setUp([
      command('broken', async () => {
        throw new TypeError(SECRET);
      }),
    ]);
    const text = await run('broken');
    const incident = /`([0-9a-f]{8})`/.exec(text)?.[1];
    expect(text).toMatch(/^Something went wrong\./);
    expect(text).not.toContain(SECRET);
    expect(world.log).toMatchObject([{ level: 'error', details: { incident, name: 'broken', guildId: GUILD_ID } }]);
  });

  it('by throwing in the same turn of the event loop, does not throw into the gateway', async () => {
    world.router.stop();
    world = setUp([
      command('broken', () => {
        throw new TypeError('at once');
      }),
    ]);
    expect(await run('broken')).toMatch(/^Something went wrong\./);
  });

  it('because answering does, is logged and hurts nobody', async () => {
    world.discord.answerWith = () => {
      throw new Error('connection reset');
    };
    await run('ping');
    await say(`<@${BOT_ID}> ping`);
    expect(world.log.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(world.router.running.size).toBe(0);
  });

  it('because Discord does not let the bot answer there, is told to the log only', async () => {
    world.discord.answerWith = () => {
      throw new DiscordError(50013);
    };
    await say(`<@${BOT_ID}> ping`);
    expect(world.discord.calls).toHaveLength(1);
    expect(world.log).toMatchObject([{ level: 'warn', message: 'Discord refused the answer' }]);
  });

  it('on a request of its own to Discord, is not taken for an answer that was refused', async () => {
    world.router.stop();
    world = setUp([
      command('kick', async () => {
        throw new DiscordError(50013);
      }),
    ]);
    expect(await run('kick')).toMatch(/^Something went wrong\./);
  });

  it('to answer at all is noticed', async () => {
    world.router.stop();
    world = setUp([command('mute', async () => {})]);
    world.discord.runSlash('mute');
    await world.settled();
    expect(world.log).toMatchObject([{ level: 'warn', message: 'command ended without an answer' }]);
  });
});

describe('the router', () => {
  it('counts what ran, and how long until Discord acknowledged the answer', async () => {
    expect(world.router.latency()).toBeNull();
    world.discord.answerWith = () => new Promise<object>((resolve) => setTimeout(resolve, 20, {}));
    await run('ping');
    expect(world.router.handled).toBe(1);
    expect(world.router.latency()?.p50).toBeGreaterThan(15);
    expect(world.router.latency()?.p99).toBeLessThan(5_000);
  });

  it('knows what runs', async () => {
    let release = () => {};
    world.master.replies.findGuild = () => new Promise<null>((resolve) => (release = () => resolve(null)));
    expect(world.router.running.size).toBe(0);
    world.discord.runSlash('guild', { id: GUILD_ID });
    expect([...world.router.running]).toMatchObject([{ name: 'guild', userId: USER_ID }]);
    release();
    await world.settled();
    expect(world.router.running.size).toBe(0);
  });

  it('listens once however often it is started, and not at all when stopped', async () => {
    world.router.start();
    await run('ping');
    expect(world.discord.calls).toHaveLength(1);
    world.router.stop();
    world.router.stop();
    world.discord.runSlash('ping');
    expect(world.router.running.size).toBe(0);
    world.router.start();
    await run('ping');
    expect(world.discord.calls).toHaveLength(2);
  });

  it('leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    for (let count = 0; count < 100; count++) world.discord.runSlash('ping');
    await world.settled();
    expect(timers()).toBe(before);
  });
});

describe('shards and stats', () => {
  const counts = { events: 1000, identifies: 1, resumes: 0 };
  const cluster = (clusterId: number) => ({
    clusterId,
    pid: 100 + clusterId,
    uptimeMs: 61_000,
    rssBytes: 50_000_000,
    heapBytes: 20_000_000,
    cpuSeconds: 3,
    loopLag: { p50Ms: 0, p99Ms: 1, maxMs: 2 },
    resumable: 1,
    givenUp: 0,
    guilds: 3,
    users: 4,
    shards: [{ shardId: clusterId * 2, state: 'ready' as const, latencyMs: 12.4, guilds: 3, ...counts }],
    events: 1000,
    commands: 7,
    commandLatencyMs: { p50: 2 + clusterId, p99: 9 },
    rest: { byStatus: { 200: 5 }, latency: { buckets: [5], sumMs: 60 } },
  });
  const fleet = (count = 3): FleetStats => ({
    shardCount: 8,
    masterPid: 99,
    masterRssBytes: 40_000_000,
    masterUptimeMs: 3_600_000,
    identifiesRemaining: 990,
    clusters: [
      ...Array.from({ length: count - 1 }, (_, clusterId) => cluster(clusterId)),
      { clusterId: count - 1, error: 'evaluate: no reply within 10000 ms\n  at somewhere' },
    ],
  });

  it('show the whole fleet, with the error of a cluster that did not answer', async () => {
    world.master.replies.getFleetStats = fleet();
    const text = await run('stats');
    expect(text).toBe(
      [
        '**3 clusters**, 2 of 8 shards ready · 6 guilds · 8 users',
        '2,000 events · 14 commands (on the slowest cluster p50 3ms, p99 9ms)',
        '140 MB in all · master: pid 99, 40 MB, up 1h · identifies left: 990',
        '```',
        'cluster 2: evaluate: no reply within 10000 ms',
        'cluster 0: pid 100, 1/1 shards, 3 guilds, 4 users, 1000 events, 7 commands, p50 2ms, p99 9ms, 50 MB, up 1m 1s',
        'cluster 1: pid 101, 1/1 shards, 3 guilds, 4 users, 1000 events, 7 commands, p50 3ms, p99 9ms, 50 MB, up 1m 1s',
        '```',
      ].join('\n'),
    );
  });

  it('fit into a message, the errors first, however many clusters there are', async () => {
    world.master.replies.getFleetStats = fleet(64);
    for (const name of ['stats', 'shards']) {
      const text = await run(name);
      expect(text.length).toBeLessThanOrEqual(2000);
      expect(text).toMatch(/```\ncluster 63: evaluate/);
      expect(text).toMatch(/… and \d+ more\n```$/);
    }
  });

  it('show the shards of all clusters, or of one', async () => {
    world.master.replies.getFleetStats = fleet();
    expect(await run('shards', { cluster: 1 })).toBe(
      '```\ncluster 1\n  shard   2  ready             12ms  3 guilds\n```',
    );
    expect(await run('shards')).toContain('cluster 2: evaluate: no reply');
    expect(await run('shards', { cluster: 4 })).toBe('There is no cluster 4: this bot has clusters 0 to 3.');
  });
});

describe('guild and user', () => {
  it('show what any cluster found, harmless whatever its name is', async () => {
    world.master.replies.findGuild = {
      id: GUILD_ID,
      name: '**@everyone** `x`',
      memberCount: 1200,
      channelCount: 1,
      ownerId: '5',
      shardId: 3,
      clusterId: 1,
    };
    expect(await run('guild', { id: GUILD_ID })).toBe(
      `**\\*\\*\\@everyone\\*\\* \\\`x\\\`** (${GUILD_ID}) · 1,200 members · 1 channel · owner 5 · shard 3 · cluster 1`,
    );
    world.master.replies.findUser = { id: USER_ID, username: 'ann_b', bot: true, clusterId: 2 };
    expect(await say(`<@${BOT_ID}> user <@${USER_ID}>`)).toBe(`**ann\\_b** (${USER_ID}) · bot · cluster 2`);
    expect(world.master.requests.at(-1)).toEqual({ name: 'findUser', data: { userId: USER_ID } });
  });

  it('say so where no cluster has it, and where the id is none', async () => {
    world.master.replies.findGuild = null;
    world.master.replies.findUser = null;
    expect(await run('guild', { id: GUILD_ID })).toBe(`No cluster of this bot has guild ${GUILD_ID}.`);
    expect(await run('user', { id: USER_ID })).toBe(`No cluster of this bot has seen user ${USER_ID}.`);
    expect(await run('guild', { id: 'mine' })).toMatch(/^A guild id is a number/);
    expect(await run('user', { id: 'me' })).toMatch(/^Give a mention or a user id/);
  });
});

describe('eval', () => {
  it('runs here without asking the master', async () => {
    expect(await run('eval', { code: '1' }, OWNER_ID)).toBe('```js\ncluster 1: 1\n```');
    expect(world.master.requests).toEqual([]);
  });

  it.each([
    ['all', 'all'],
    ['master', 'master'],
    ['cluster 2', { clusterId: 2 }],
    ['2', { clusterId: 2 }],
  ])('asks the master to run it on %s', async (target, expected) => {
    world.master.replies.evaluate = [
      { target: 'cluster 0', ok: true, output: '1' },
      { target: 'cluster 2', ok: false, output: 'Error: no' },
    ];
    expect(await run('eval', { code: 'x', target }, OWNER_ID)).toContain('cluster 2 failed: Error: no');
    expect(world.master.requests).toEqual([{ name: 'evaluate', data: { code: 'x', target: expected } }]);
    await say(`<@${BOT_ID}> eval target:${target} \`\`\`js\nx\n\`\`\``, OWNER_ID);
    expect(world.master.requests[1]).toEqual({ name: 'evaluate', data: { code: 'x', target: expected } });
  });

  it('says what a target may be', async () => {
    expect(await run('eval', { code: 'x', target: 'moon' }, OWNER_ID)).toMatch(/^`target` must be/);
    expect(await run('eval', { code: 'x', target: '9' }, OWNER_ID)).toMatch(/^There is no cluster 9/);
  });
});

describe('restart', () => {
  it('answers first, then hands the answer to the master', async () => {
    let answersBefore = -1;
    world.master.replies.restart = () => {
      answersBefore = world.discord.calls.length;
      return { clusterIds: [2] };
    };
    const id = world.discord.runSlash('restart', { cluster: 2 }, { userId: OWNER_ID });
    await world.settled();
    expect(answersBefore).toBe(1);
    expect(world.discord.texts).toEqual(['Restarting cluster 2…']);
    expect(world.master.requests).toEqual([
      {
        name: 'restart',
        data: {
          clusterIds: [2],
          progress: { kind: 'interaction', applicationId: BOT_ID, interactionToken: `token-of-${id}` },
          requestedBy: OWNER_ID,
        },
      },
    ]);
  });

  it('by mention hands over the message that it sent', async () => {
    await say(`<@${BOT_ID}> restart`, OWNER_ID);
    expect(world.master.requests[0]?.data).toEqual({
      progress: { kind: 'message', channelId: '700000000000000001', messageId: expect.stringMatching(/^message-/) },
      requestedBy: OWNER_ID,
    });
  });

  it('that the master refuses says why in the same answer', async () => {
    world.master.replies.restart = new RemoteError(
      { name: 'KallistiError', message: 'clusters 0 to 3 are being restarted', code: 'RESTART_IN_PROGRESS' },
      'master',
    );
    expect(await run('restart', {}, OWNER_ID)).toBe(
      'A rolling restart is already under way. (RESTART_IN_PROGRESS: clusters 0 to 3 are being restarted) Try again in a moment.',
    );
    expect(world.discord.calls.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  });
});

describe('loglevel', () => {
  it('tells the master', async () => {
    expect(await run('loglevel', { level: 'debug' }, OWNER_ID)).toBe(
      'Every process now logs at level `debug` and above.',
    );
    expect(world.master.requests).toEqual([{ name: 'setLogLevel', data: { level: 'debug' } }]);
  });
});

it('runs no owner command twice after a crash that it may have caused', () => {
  const commands = createCommands({ evaluate: async () => ({ target: '', ok: true, output: '' }) });
  const dropped = commands.filter(({ onCrash }) => onCrash === 'drop').map(({ definition }) => definition.name);
  expect(dropped).toEqual(['eval', 'restart']);
});

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { Bot } from './Bot.js';

const WARN = 40;
/** What every local Discord once had: known to every other user of a machine. */
const KNOWN = {
  token: 'local-discord.not-a-real-token.do-not-worry',
  ownerId: '335249040998400001',
  guildId: '754679440998400000',
} as const;

let discord: Simulator;
const bots: Bot[] = [];

beforeEach(async () => {
  discord = new Simulator({ guildCount: 8, shardCount: 2, identifyIntervalMs: 100, maxConcurrency: 2 });
  await discord.start();
});

afterEach(async () => {
  for (const bot of bots.splice(0)) await bot.dispose();
  await discord.stop();
});

function bot(env: NodeJS.ProcessEnv): Bot {
  const made = new Bot(env);
  bots.push(made);
  return made;
}

function live(env: NodeJS.ProcessEnv = {}): Bot {
  const made = Bot.for(discord, { IDENTIFY_INTERVAL: '100ms', ...env });
  bots.push(made);
  return made;
}

/** It ends with code 1 and one clear line on stderr, without a stack trace. */
async function refusal(failing: Bot): Promise<string> {
  expect(await failing.start().ended()).toEqual({ code: 1, signal: null });
  const lines = failing.stderr.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(failing.stderr).not.toMatch(/^\s+at /m);
  expect(failing.processes()).toEqual([]);
  return lines[0] ?? '';
}

describe('a start that cannot go well ends at once, with one line that names the setting', () => {
  it('NODE_ENV=production without a token', async () => {
    expect(await refusal(bot({ NODE_ENV: 'production' }))).toMatch(/DISCORD_TOKEN/);
  });

  it('a wrong token, which is not printed', async () => {
    const token = 'not-the-token-of-this-bot-at-all';
    const failing = live({ DISCORD_TOKEN: token });
    expect(await refusal(failing)).toMatch(/DISCORD_TOKEN/);
    expect(failing.stdout + failing.stderr).not.toContain(token);
  });

  it.each(['0', '-1', '1.5', 'many'])('SHARD_COUNT=%s', async (SHARD_COUNT) => {
    const line = await refusal(live({ SHARD_COUNT }));
    expect(line).toMatch(/SHARD_COUNT/);
    expect(line).toContain(SHARD_COUNT);
  });

  it('more clusters than shards', async () => {
    expect(await refusal(live({ SHARD_COUNT: '2', CLUSTER_COUNT: '3' }))).toMatch(/CLUSTER_COUNT.*3/);
    expect(await refusal(live({ CLUSTER_COUNT: '3' }))).toMatch(/CLUSTER_COUNT.*3.*2 shards/);
  });

  it('a DATA_DIR that another bot uses: says which pid has it, and leaves that bot alone', async () => {
    const first = live().start();
    await first.untilReady();
    expect(await refusal(live({ DATA_DIR: first.dataDir }))).toMatch(new RegExp(`DATA_DIR.*pid ${first.pid}`));
    expect((await discord.runCommand({ name: 'ping', guildId: discord.guildIds[0] ?? '' }).answered).content).toMatch(
      /pong/,
    );
  });

  it('a DATA_DIR that is a file', async () => {
    const failing = live();
    writeFileSync(failing.dataDir, 'not a folder');
    expect(await refusal(failing)).toMatch(/DATA_DIR.*is a file/);
  });

  it('garbage in .env, of which nothing is printed', async () => {
    const failing = live();
    writeFileSync(join(failing.cwd, '.env'), 'LOG_LEVEL=info\nMTIzNDU2Nzg5.secret-looking.rubbish\n');
    expect(await refusal(failing)).toMatch(/\.env line 2/);
    expect(failing.stderr).not.toContain('rubbish');
  });

  it('intents that Discord does not allow, and shards that it does not accept', async () => {
    discord.faults.closeOnIdentify(4014);
    expect(await refusal(live())).toMatch(/intents/i);
    discord.faults.closeOnIdentify(4010);
    expect(await refusal(live())).toMatch(/SHARD_COUNT/);
  });

  it('a token that is reset while the bot runs', async () => {
    const failing = live().start();
    await failing.untilReady();
    discord.faults.closeOnIdentify(4004, { times: 10 });
    discord.faults.refuseResume(0);
    discord.faults.dropSocket(0, { terminate: true });
    expect(await failing.ended()).toEqual({ code: 1, signal: null });
    expect(failing.stderr.trim().split('\n')).toHaveLength(1);
    expect(failing.stderr).toMatch(/DISCORD_TOKEN/);
    expect(failing.processes()).toEqual([]);
  });
});

describe('a Discord that cannot be reached', () => {
  it('is said at once and tried again, and Ctrl-C ends it', async () => {
    const waiting = bot({ DISCORD_TOKEN: 'some-token-of-a-bot', DISCORD_API_URL: 'http://127.0.0.1:9/api' }).start();
    await waiting.untilLogged(/127\.0\.0\.1:9.*trying again in/);
    waiting.signal('SIGINT');
    expect(await waiting.ended()).toEqual({ code: 0, signal: null });
    expect(waiting.processes()).toEqual([]);
  });

  it('that answers again later is all it takes', async () => {
    discord.faults.failRest({ status: 502 });
    const waiting = live().start();
    await waiting.untilLogged(/trying again in/);
    discord.faults.clear();
    await waiting.untilReady();
  });
});

describe('a gateway that cannot be reached', () => {
  it('is said, tried again, and Ctrl-C ends it', async () => {
    discord.faults.refuseConnections();
    const waiting = live().start();
    await waiting.untilLogged(/gateway/i);
    waiting.signal('SIGINT');
    expect(await waiting.ended()).toEqual({ code: 0, signal: null });
    expect(waiting.processes()).toEqual([]);
  });
});

describe('without a token', () => {
  it('runs against the local Discord, says so, and Ctrl-C ends everything', async () => {
    const newcomer = bot({}).start();
    await newcomer.untilReady();
    expect(newcomer.stdout).toMatch(/NOT Discord/);
    expect(newcomer.stdout).toMatch(/DISCORD_TOKEN/);
    newcomer.signal('SIGINT');
    expect(await newcomer.ended()).toEqual({ code: 0, signal: null });
    expect(newcomer.stderr).toBe('');
    expect(newcomer.processes()).toEqual([]);
  });

  it('obeys no stranger: another user of the machine can neither run a command nor log in', async () => {
    const newcomer = bot({}).start();
    await newcomer.untilReady();
    const pid = newcomer.processes().find((id) => cmdline(id).includes('entrypoints/simulator.js')) ?? 0;
    const [port, ...others] = listeningPorts(pid);
    expect(others).toEqual([]);
    const origin = `http://127.0.0.1:${port}`;
    expect((await fetch(`${origin}/api/v10/gateway`)).status).toBe(200);
    const { guildId, ownerId } = KNOWN;
    const command = { name: 'eval', options: { code: 'process.pid' }, guildId, userId: ownerId };
    for (const authorization of ['', 'Bearer ', `Bearer ${KNOWN.token}`]) {
      const answer = await fetch(`${origin}/simulator/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify(command),
      });
      expect(answer.status).toBe(404);
    }
    const login = await fetch(`${origin}/api/v10/users/@me`, { headers: { authorization: `Bot ${KNOWN.token}` } });
    expect(login.status).toBe(401);
    // Its own token is nowhere where others could read it.
    const token = /local-discord\.not-a-real-token/;
    for (const id of newcomer.processes()) {
      expect(cmdline(id)).not.toMatch(token);
      expect(readFileSync(`/proc/${id}/environ`, 'utf8')).not.toMatch(token);
    }
    newcomer.signal('SIGTERM');
    await newcomer.ended();
    expect(newcomer.stdout + newcomer.stderr).not.toMatch(token);
  });

  it('starts again without a word about what the last local Discord knew', async () => {
    const newcomer = bot({}).start();
    await newcomer.untilReady();
    newcomer.signal('SIGTERM');
    await newcomer.ended();
    const from = newcomer.lines.length;
    newcomer.start();
    await newcomer.untilLogged(/^ready: all/, from);
    const said = newcomer.lines.slice(from);
    expect(said.filter(({ level }) => level >= WARN).map(({ msg }) => msg)).toEqual([]);
  });
});

function cmdline(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

/** What anybody can find out by looking: on which TCP ports a process listens. */
function listeningPorts(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        // A connection that was closed meanwhile.
        return undefined;
      }
    }),
  );
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === '0A' && sockets.has(`socket:[${inode}]`) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
  });
}

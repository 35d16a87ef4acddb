import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Layout } from '../../src/core/discord/Layout.js';
import { identityOf } from '../../src/core/files/processIdentity.js';
import { Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { memoryLogger } from '../support/memoryLogger.js';
import { runCli } from './CliRun.js';

interface Finding {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly fix?: string;
}

let folder: string;
let discord: Simulator | undefined;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kallisti-doctor-'));
});

afterEach(async () => {
  await discord?.stop();
  discord = undefined;
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true, force: true });
});

async function startDiscord(options: SimulatorOptions = {}): Promise<NodeJS.ProcessEnv> {
  discord = new Simulator({ guildCount: 4, shardCount: 2, ...options });
  await discord.start();
  return { DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url };
}

/** Something else that answers http on a port of its own. */
async function serve(answer: (path: string) => { body: unknown; status?: number; date?: Date }): Promise<number> {
  const server = createServer((request, response) => {
    const { body, status = 200, date } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json', ...(date && { date: date.toUTCString() }) });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const port = await serve(() => ({ body: {} }));
  const server = servers.pop();
  await new Promise((resolve) => server?.close(resolve));
  return port;
}

async function examine(env: NodeJS.ProcessEnv = {}, ...args: string[]) {
  const run = await runCli(['doctor', '--json', ...args], {
    cwd: folder,
    env: { DATA_DIR: join(folder, 'data'), ADMIN_PORT: '0', ...env },
  });
  const [report] = run.json() as { ok: boolean; findings: Finding[] }[];
  if (report === undefined) throw new Error(run.stderr);
  expect(run.code).toBe(report.ok ? 0 : 1);
  expect(report.ok).toBe(report.findings.every(({ level }) => level !== 'fail'));
  for (const { level, fix } of report.findings) if (level === 'fail') expect(fix).toBeTruthy();
  const find = (name: string): Finding => {
    const found = report.findings.find((finding) => finding.name === name);
    if (found === undefined) throw new Error(`${name} is not among ${JSON.stringify(report.findings)}`);
    return found;
  };
  return { report, find, output: run.stdout + run.stderr };
}

describe('all is well', () => {
  it('with a bot that Discord knows', async () => {
    const env = await startDiscord();
    const { report, find, output } = await examine(env);
    expect(report.findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(find('application').text).toContain(discord?.ownerId);
    expect(find('SHARD_COUNT').text).toBe('auto: 2');
    expect(find('IDENTIFY budget').text).toMatch(/^1,000 of 1,000 left.*; a cold start needs 2 and takes 5s or more$/);
    expect(find('clock').text).toBe("agrees with Discord's");
    expect(output).not.toContain(discord?.token);
    expect(discord?.account.summary()).toMatchObject({ identifies: 0 });
  });

  it('is said in words, with what to do below each warning', async () => {
    const { code, stdout } = await runCli(['doctor'], { cwd: folder, env: { ADMIN_PORT: '0' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {4}Node +\d+/m);
    expect(stdout).toMatch(/^warn {2}DISCORD_TOKEN +not set: .*\n +-> put the token/m);
    expect(stdout).toMatch(/\nNothing keeps the bot from starting, 1 warning\n$/);
  });
});

describe('settings', () => {
  it('each wrong one is a FAIL with what is allowed', async () => {
    writeFileSync(join(folder, '.env'), 'SHARD_COUNT=many\nLOG_LEVEL=loud\n');
    const { report } = await examine();
    const texts = report.findings.filter(({ level }) => level === 'fail').map(({ text }) => text);
    expect(texts).toEqual([
      expect.stringMatching(/^SHARD_COUNT is "many"; allowed/),
      expect.stringMatching(/^LOG_LEVEL/),
    ]);
  });

  it('a misspelt one is a warning', async () => {
    writeFileSync(join(folder, '.env'), 'DISCORD_TOKN=abc\n');
    expect((await examine()).find('settings')).toMatchObject({
      level: 'warn',
      text: expect.stringContaining('DISCORD_TOKEN?'),
    });
  });
});

describe('Discord', () => {
  it('a token that it does not accept is a FAIL, and is not printed', async () => {
    const env = await startDiscord();
    const token = 'not-the-token-of-this-bot-at-all';
    const { find, output } = await examine({ ...env, DISCORD_TOKEN: token });
    expect(find('DISCORD_TOKEN')).toMatchObject({ level: 'fail', text: expect.stringContaining('401') });
    expect(output).not.toContain(token);
  });

  it('out of reach is a FAIL that says where it was looked for', async () => {
    const { find } = await examine(at(await closedPort()));
    expect(find('Discord')).toMatchObject({
      level: 'fail',
      text: expect.stringMatching(/^127\.0\.0\.1:\d+: nobody listens there \(connection refused\)$/),
    });
  });

  it('a privileged intent that is not granted is a FAIL that names it as the portal does', async () => {
    const env = await startDiscord();
    const { find, report } = await examine(env, '--intents', 'guilds,messageContent');
    expect(find('intents')).toMatchObject({ level: 'fail', fix: expect.stringContaining('Message Content Intent') });
    expect(report.findings.filter(({ name }) => name === 'intents')).toHaveLength(1);
    expect((await runCli(['doctor', '--intents', 'guilds,mesageContent'])).code).toBe(2);
  });

  it('granted intents, limited or not, are ok', async () => {
    const port = await serve((path) => ({
      body: path.endsWith('bot') ? GATEWAY : { ...APPLICATION, flags: (1 << 19) | (1 << 14) },
    }));
    const { find } = await examine(at(port), '--intents', 'guildMembers,messageContent');
    expect(find('intents')).toMatchObject({
      level: 'ok',
      text: expect.stringContaining('granted: guildMembers, messageContent'),
    });
  });

  it('fewer shards than recommended are a warning, too few a FAIL, and so are more clusters than shards', async () => {
    const env = await startDiscord({ shardCount: 4 });
    expect((await examine({ ...env, SHARD_COUNT: '3' })).find('SHARD_COUNT')).toMatchObject({
      level: 'warn',
      text: '3; Discord recommends 4',
    });
    expect((await examine({ ...env, CLUSTER_COUNT: '5' })).find('CLUSTER_COUNT').level).toBe('fail');
    const port = await serve((path) => ({
      body: path.endsWith('bot') ? GATEWAY : { ...APPLICATION, approximate_guild_count: 9000 },
    }));
    expect((await examine({ ...at(port), SHARD_COUNT: '3' })).find('SHARD_COUNT')).toMatchObject({
      level: 'fail',
      fix: 'set it to 8',
    });
  });

  it('with auto the number that the bot keeps counts, and what Discord recommends is a warning', async () => {
    const env = await startDiscord({ shardCount: 4 });
    const dataDir = join(folder, 'laid-out');
    mkdirSync(dataDir);
    const { DISCORD_TOKEN: token = '', DISCORD_API_URL: apiUrl = '' } = env;
    new Layout({ dataDir, token, apiUrl, logger: memoryLogger().logger }).commit(2);
    const { find } = await examine({ ...env, DATA_DIR: dataDir });
    expect(find('SHARD_COUNT')).toMatchObject({
      level: 'warn',
      text: '2, which auto keeps; Discord recommends 4',
      fix: 'set it to 4 or more',
    });
    expect(find('IDENTIFY budget').text).toContain('a cold start needs 2');
  });

  it('a budget that does not do for a cold start is a FAIL; with a running master, which can resume, a warning', async () => {
    const limit = { total: 1000, remaining: 3, reset_after: 3_600_000, max_concurrency: 1 };
    const port = await serve((path) => ({
      body: path.endsWith('bot') ? { ...GATEWAY, session_start_limit: limit } : APPLICATION,
    }));
    expect((await examine(at(port))).find('IDENTIFY budget')).toMatchObject({
      level: 'fail',
      text: '3 of 1,000 left, reset in 1h; a cold start needs 8 and takes 35s or more',
    });
    writeFileSync(join(folder, 'master.lock'), JSON.stringify(identityOf(process.pid)));
    expect((await examine({ ...at(port), DATA_DIR: folder })).find('IDENTIFY budget').level).toBe('warn');
  });

  it('a clock that is wrong is a warning that says by how much', async () => {
    const port = await serve((path) => ({
      body: path.endsWith('bot') ? GATEWAY : APPLICATION,
      date: new Date(Date.now() - 90_000),
    }));
    expect((await examine(at(port))).find('clock')).toMatchObject({
      level: 'warn',
      text: expect.stringMatching(/^1m (2[89]|30|31)s ahead of Discord's$/),
    });
  });

  it('something else at its address is a FAIL', async () => {
    const port = await serve(() => ({ body: '<html>' }));
    expect((await examine(at(port))).find('Discord').text).toMatch(/is DISCORD_API_URL right\?/);
  });
});

describe('DATA_DIR', () => {
  it('that is missing is not made', async () => {
    expect((await examine()).find('DATA_DIR').text).toMatch(/is not there yet; the bot will make it$/);
    expect((await examine()).find('DATA_DIR').text).toMatch(/is not there yet/);
  });

  it('that is a file, or below one, is a FAIL', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect((await examine({ DATA_DIR: join(folder, 'file') })).find('DATA_DIR')).toMatchObject({ level: 'fail' });
    expect((await examine({ DATA_DIR: join(folder, 'file', 'below') })).find('DATA_DIR')).toMatchObject({
      level: 'fail',
    });
  });

  it('says how much room there is, and leaves nothing in it', async () => {
    const { find } = await examine({}, '--data-dir', folder);
    expect(find('DATA_DIR').text).toMatch(/can be written$/);
    expect(find('disk').text).toMatch(/^[\d.]+ [MGT]B free$/);
    expect(find('master').text).toMatch(/^none runs/);
    expect((await runCli(['doctor', '--data-dir', folder], { cwd: folder })).stdout).not.toContain('FAIL');
  });

  it('says whose it is', async () => {
    writeFileSync(join(folder, 'master.lock'), JSON.stringify(identityOf(process.pid)));
    const { find } = await examine({ DATA_DIR: folder });
    expect(find('master').text).toBe(`pid ${process.pid} runs on ${folder}`);
  });
});

describe('ADMIN_PORT', () => {
  it('that is taken is a FAIL, by the running master ok', async () => {
    const port = await serve(() => ({ body: {} }));
    const taken = await examine({ ADMIN_PORT: String(port), DATA_DIR: folder });
    expect(taken.find('ADMIN_PORT')).toMatchObject({
      level: 'fail',
      text: `127.0.0.1:${port} is taken by another program`,
    });
    writeFileSync(join(folder, 'master.lock'), JSON.stringify(identityOf(process.pid)));
    const url = `http://127.0.0.1:${port}`;
    writeFileSync(join(folder, 'admin.json'), JSON.stringify({ url, pid: process.pid, version: '1' }));
    const own = await examine({ ADMIN_PORT: String(port), DATA_DIR: folder });
    expect(own.find('ADMIN_PORT')).toMatchObject({
      level: 'ok',
      text: `the running master (pid ${process.pid}) listens at ${url}`,
    });
  });

  it('an ADMIN_HOST of another machine is a FAIL', async () => {
    expect((await examine({ ADMIN_HOST: '192.0.2.1' })).find('ADMIN_HOST').level).toBe('fail');
  });
});

const GATEWAY = {
  url: 'wss://gateway.example',
  shards: 8,
  session_start_limit: { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 },
};
const APPLICATION = { id: '1', name: 'Bot', flags: 0, owner: { id: '2', username: 'somebody' } };

function at(port: number): NodeJS.ProcessEnv {
  return { DISCORD_TOKEN: 'some-token-of-a-bot', DISCORD_API_URL: `http://127.0.0.1:${port}/api` };
}

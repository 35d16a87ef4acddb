import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { RawGateway } from './RawGateway.js';

const ENTRY = fileURLToPath(new URL('../../dist/entrypoints/simulator.js', import.meta.url));
const LIBRARY = new URL('../../dist/simulator/index.js', import.meta.url).href;
const children: ChildProcess[] = [];

interface Run {
  child: ChildProcess;
  out: () => string;
  err: () => string;
  /** Exit code or signal. */
  ended: Promise<number | string>;
}

function run(args: string[], stdin: 'ignore' | 'pipe' = 'ignore'): Run {
  const child = spawn(process.execPath, args, { stdio: [stdin, 'pipe', 'pipe'] });
  children.push(child);
  let out = '';
  let err = '';
  child.stdout?.on('data', (data) => {
    out += data;
  });
  child.stderr?.on('data', (data) => {
    err += data;
  });
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, out: () => out, err: () => err, ended };
}

/** Waits for a line that fits on its standard output. */
async function line(of: Run, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = of
      .out()
      .split('\n')
      .slice(0, -1)
      .find((text) => pattern.test(text));
    if (found !== undefined) return found;
    const more = of.child.stdout === null ? of.ended : once(of.child.stdout, 'data');
    const ended = await Promise.race([more.then(() => undefined), of.ended]);
    if (ended !== undefined) throw new Error(`ended with ${ended}: ${of.out()}${of.err()}`);
  }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('the command', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'says what it is and how to use it, and ends with 0 on %s',
    async (signal) => {
      const simulator = run([ENTRY, '--guilds', '3', '--shards', '2']);
      await line(simulator, /Ctrl-C/);
      expect(simulator.out()).toContain('NOT discord.com');
      const [, url, token] = /DISCORD_API_URL=(\S+) DISCORD_TOKEN=(\S+) npm start/.exec(simulator.out()) ?? [];
      const response = await fetch(`${url}/v10/gateway/bot`, { headers: { authorization: `Bot ${token}` } });
      expect(await response.json()).toMatchObject({ shards: 2 });
      simulator.child.kill(signal);
      expect(await simulator.ended).toBe(0);
      expect(simulator.err()).toBe('');
    },
  );

  it('prints one JSON line with --json, and ends with its parent when told so', async () => {
    const simulator = run([ENTRY, '--json', '--exit-with-parent', '--commands-per-second', '10'], 'pipe');
    const info = JSON.parse(await line(simulator, /^{/));
    expect(Object.keys(info)).toEqual(['url', 'token', 'ownerId', 'applicationId', 'botId', 'controlToken']);
    const account = `${new URL(info.url).origin}/simulator/account`;
    expect((await fetch(account)).status).toBe(401);
    const response = await fetch(account, { headers: { authorization: `Bearer ${info.controlToken}` } });
    expect(await response.json()).toMatchObject({ identifies: 0 });
    simulator.child.stdin?.end();
    expect(await simulator.ended).toBe(0);
    expect(simulator.out().trim().split('\n')).toHaveLength(1);
  });

  it('prints lines for curl, each of which works as it is printed, and shows no token to who lists processes', async () => {
    const simulator = run([ENTRY, '--guilds', '2']);
    await line(simulator, /Ctrl-C/);
    const [, url = '', token = ''] = /DISCORD_API_URL=(\S+) DISCORD_TOKEN=(\S+)/.exec(simulator.out()) ?? [];
    const bot = await RawGateway.login({ gatewayUrl: new URL(url).origin.replace('http', 'ws'), token });
    bot.answerWithPong(url);
    const lines = simulator
      .out()
      .split('\n')
      .filter((text) => text.includes('curl'));
    expect(lines).toHaveLength(3);
    const answers: unknown[] = [];
    for (const text of lines) {
      const [, shown = '', controlToken = ''] = /: {2,}(.*Bearer ([\w-]{43}).*)$/.exec(text) ?? [];
      expect(shown.slice(shown.indexOf('curl'))).not.toContain(controlToken);
      const { stdout } = await promisify(execFile)('sh', ['-c', shown]);
      answers.push(JSON.parse(stdout));
    }
    expect(answers).toMatchObject([{ identifies: 1 }, { answer: { content: 'pong' } }, { ok: true, struck: 1 }]);
    await bot.closed;
  });

  it('has no control routes with --no-control', async () => {
    const simulator = run([ENTRY, '--json', '--no-control']);
    const info = JSON.parse(await line(simulator, /^{/));
    expect(info).not.toHaveProperty('controlToken');
    expect((await fetch(`${new URL(info.url).origin}/simulator/account`)).status).toBe(404);
  });

  it('says in one line that a port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const simulator = run([ENTRY, '--port', String(port)]);
    expect(await simulator.ended).toBe(1);
    expect(simulator.err()).toBe(
      `simulator: port ${port} is in use; choose another one with --port, or 0 for any free one\n`,
    );
    server.close();
  });

  it.each([
    [['--host', '0.0.0.0'], 'simulator: host must be a loopback address, not "0.0.0.0"'],
    [['--guilds', 'many'], "error: option '--guilds <number>' argument 'many' is invalid. It must be a whole number."],
  ])('refuses %s', async (args, text) => {
    const simulator = run([ENTRY, ...args]);
    expect(await simulator.ended).toBe(1);
    expect(simulator.err().split('\n')[0]).toBe(text);
  });

  it('has a --help', async () => {
    const simulator = run([ENTRY, '--help']);
    expect(await simulator.ended).toBe(0);
    expect(simulator.out()).toContain('--commands-per-second');
  });
});

it('as a library leaves no handle behind: a process ends by itself after stop()', async () => {
  const code = `
    const { Simulator } = await import(${JSON.stringify(LIBRARY)});
    const discord = new Simulator();
    await discord.start();
    const socket = new WebSocket(discord.gatewayUrl + '/?v=10&encoding=json&compress=zlib-stream');
    socket.binaryType = 'arraybuffer';
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    const identify = { token: discord.token, intents: 1, properties: {} };
    socket.send(JSON.stringify({ op: 2, d: identify }));
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    discord.faults.delayHello(60_000);
    const second = new WebSocket(discord.gatewayUrl + '/?v=10&encoding=json');
    await new Promise((resolve) => second.addEventListener('open', resolve, { once: true }));
    discord.traffic.start({ commandsPerSecond: 100, messagesPerSecond: 100 });
    discord.runCommand({ name: 'ping', guildId: discord.guildIds[0] });
    await fetch(discord.url + '/v10/gateway');
    await discord.stop();
    await discord.stop();
    console.log('stopped');
  `;
  const from = performance.now();
  const program = run(['--experimental-websocket', '--input-type=module', '-e', code]);
  await line(program, /stopped/);
  const stopped = performance.now();
  expect(await program.ended).toBe(0);
  expect(performance.now() - stopped).toBeLessThan(Math.max(1000, stopped - from));
});

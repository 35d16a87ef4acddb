import { Command, InvalidArgumentError } from 'commander';
import { Simulator, type SimulatorOptions } from '../simulator/index.js';

interface Flags {
  host: string;
  port: number;
  token?: string;
  guilds: number;
  channels?: number;
  members?: number;
  shards: number;
  maxConcurrency: number;
  identifyInterval: number;
  heartbeatInterval?: number;
  resumeWindow?: number;
  seed: number;
  commandsPerSecond: number;
  mentionsPerSecond: number;
  messagesPerSecond: number;
  command: string[];
  control: boolean;
  json: boolean;
  exitWithParent: boolean;
}

const flags = parseFlags();
const discord = construct(flags);
try {
  await discord.start();
} catch (error) {
  fail(describe(error, flags));
}
const { commandsPerSecond, mentionsPerSecond, messagesPerSecond } = flags;
if (commandsPerSecond + mentionsPerSecond + messagesPerSecond > 0) {
  const names = flags.command.length === 0 ? ['ping'] : flags.command;
  const commands = names.map((name) => ({ name }));
  discord.traffic.start({ commandsPerSecond, mentionsPerSecond, messagesPerSecond, commands, mentions: names });
}
process.stdout.write(flags.json ? `${jsonLine(discord)}\n` : banner(discord, flags));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());
if (flags.exitWithParent) {
  // The parent holds the other end of our stdin: when it is gone, however it went, this ends.
  process.stdin.resume();
  for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => void end());
}

async function end(): Promise<never> {
  await discord.stop();
  process.exit(0);
}

function parseFlags(): Flags {
  return new Command('simulator')
    .description('A local Discord for developing and testing bots. It is not Discord: nothing leaves this machine.')
    .option('--host <address>', 'loopback address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes any free one', whole, 0)
    .option('--token <token>', 'bot token it accepts (default: a random fake one)')
    .option('--guilds <number>', 'guilds the bot is in', whole, 16)
    .option('--channels <number>', 'channels per guild', whole)
    .option('--members <number>', 'members per guild', whole)
    .option('--shards <number>', 'recommended number of shards', whole, 1)
    .option('--max-concurrency <number>', 'identify keys', whole, 1)
    .option('--identify-interval <ms>', 'time between two IDENTIFYs of one key', whole, 5000)
    .option('--heartbeat-interval <ms>', 'heartbeat interval (default: 41250)', whole)
    .option('--resume-window <ms>', 'how long a session lives without a socket (default: 180000)', whole)
    .option('--seed <number>', 'seed of guilds and traffic', whole, 1)
    .option('--commands-per-second <number>', 'slash commands that simulated users run', rate, 0)
    .option('--mentions-per-second <number>', 'messages to the bot', rate, 0)
    .option('--messages-per-second <number>', 'messages among users', rate, 0)
    .option('--command <name...>', 'what users run (default: ping)', [])
    .option('--no-control', 'without the routes under /simulator, by which another process runs it')
    .option('--json', 'print one JSON line with url, tokens and ids instead of the text', false)
    .option('--exit-with-parent', 'end when stdin is closed', false)
    .showHelpAfterError()
    .parse()
    .opts<Flags>();
}

function construct(from: Flags): Simulator {
  const options: SimulatorOptions = {
    host: from.host,
    port: from.port,
    guildCount: from.guilds,
    shardCount: from.shards,
    maxConcurrency: from.maxConcurrency,
    identifyIntervalMs: from.identifyInterval,
    seed: from.seed,
    control: from.control,
    guildShape: {
      ...(from.channels === undefined ? {} : { channels: from.channels }),
      ...(from.members === undefined ? {} : { members: from.members }),
    },
    ...(from.token === undefined ? {} : { token: from.token }),
    ...(from.heartbeatInterval === undefined ? {} : { heartbeatIntervalMs: from.heartbeatInterval }),
    ...(from.resumeWindow === undefined ? {} : { resumeWindowMs: from.resumeWindow }),
  };
  try {
    return new Simulator(options);
  } catch (error) {
    return fail((error as Error).message);
  }
}

function jsonLine({ url, token, ownerId, applicationId, botId, controlToken }: Simulator): string {
  return JSON.stringify({ url, token, ownerId, applicationId, botId, controlToken });
}

function banner(simulator: Simulator, from: Flags): string {
  const { url, token, ownerId } = simulator;
  return [
    'Local Discord. This is NOT discord.com: guilds and users are made up, and nothing leaves this machine.',
    '',
    `  REST      ${url}`,
    `  gateway   ${simulator.gatewayUrl}`,
    `  token     ${token}`,
    `  owner id  ${ownerId}`,
    `  guilds    ${from.guilds}, ${from.shards} recommended shards, max_concurrency ${from.maxConcurrency}`,
    '',
    `  Run a bot against it:  DISCORD_API_URL=${url} DISCORD_TOKEN=${token} npm start`,
    ...controlLines(simulator),
    'Ctrl-C ends it.',
    '',
  ].join('\n');
}

function controlLines({ url, controlToken, guildIds }: Simulator): string[] {
  if (controlToken === undefined) return [];
  const control = `${new URL(url).origin}/simulator`;
  // By stdin: every user of the machine can read a program's arguments. `echo` is no program but a part of the shell.
  const curl = `echo 'header="Authorization: Bearer ${controlToken}"' | curl -K-`;
  const post = (body: object): string => `${curl} -H content-type:application/json -d '${JSON.stringify(body)}'`;
  return [
    `  See what happened:     ${curl} ${control}/account`,
    `  Run a command:         ${post({ name: 'ping', guildId: guildIds[0] ?? '' })} ${control}/commands`,
    `  Drop a socket:         ${post({ args: [0] })} ${control}/faults/dropSocket`,
    '',
    '  Whoever has these lines can run code in the bot: keep them to yourself.',
    '',
  ];
}

function describe(error: unknown, from: Flags): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return `port ${from.port} is in use; choose another one with --port, or 0 for any free one`;
  if (code === 'EACCES') return `port ${from.port} may not be opened by this user; choose one above 1023 with --port`;
  return `cannot listen on ${from.host}:${from.port}: ${message}`;
}

function fail(message: string): never {
  process.stderr.write(`simulator: ${message}\n`);
  process.exit(1);
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function rate(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number.');
  return value;
}

import { Command, InvalidArgumentError } from 'commander';
import { DEFAULT_OPTIONS, type SimulatorOptions } from '../options.js';
import type { Simulator } from '../Simulator.js';
import type { TrafficOptions } from '../users/Traffic.js';

interface Flags {
  host: string;
  port: number;
  token?: string;
  guilds: number;
  channels: number;
  members: number;
  shards: number;
  maxConcurrency: number;
  identifyInterval: number;
  heartbeatInterval: number;
  resumeWindow: number;
  seed: number;
  commandsPerSecond: number;
  mentionsPerSecond: number;
  messagesPerSecond: number;
  command: string[];
  control: boolean;
  json: boolean;
  exitWithParent: boolean;
}

/** Reads the arguments of the process. Prints the help or what is wrong with them, and ends the process then. */
export function parseFlags(argv: readonly string[]): Flags {
  const defaults = DEFAULT_OPTIONS;
  return new Command('simulator')
    .description('A local Discord for developing and testing bots. It is not Discord: nothing leaves this machine.')
    .option('--host <address>', 'loopback address to listen on', defaults.host)
    .option('--port <number>', 'port to listen on; 0 takes any free one', whole, defaults.port)
    .option('--token <token>', 'bot token that it accepts (default: a random fake one)')
    .option('--guilds <number>', 'guilds that the bot is in', whole, defaults.guildCount)
    .option('--channels <number>', 'channels per guild', whole, defaults.guildShape.channels)
    .option('--members <number>', 'members per guild', whole, defaults.guildShape.members)
    .option('--shards <number>', 'recommended number of shards', whole, defaults.shardCount)
    .option('--max-concurrency <number>', 'identify keys', whole, defaults.maxConcurrency)
    .option('--identify-interval <ms>', 'time between two IDENTIFYs of one key', whole, defaults.identifyIntervalMs)
    .option('--heartbeat-interval <ms>', 'heartbeat interval', whole, defaults.heartbeatIntervalMs)
    .option('--resume-window <ms>', 'how long a session lives without a socket', whole, defaults.resumeWindowMs)
    .option('--seed <number>', 'seed of guilds and traffic', whole, defaults.seed)
    .option('--commands-per-second <number>', 'slash commands that simulated users run', rate, 0)
    .option('--mentions-per-second <number>', 'messages to the bot', rate, 0)
    .option('--messages-per-second <number>', 'messages among users', rate, 0)
    .option('--command <name...>', 'commands that users run', ['ping'])
    .option('--no-control', 'serve no routes under /simulator, by which another process controls it')
    .option('--json', 'print one JSON line with url, tokens and ids instead of the text', false)
    .option('--exit-with-parent', 'end when stdin is closed', false)
    .showHelpAfterError()
    .parse(argv)
    .opts<Flags>();
}

export function simulatorOptions(flags: Flags): SimulatorOptions {
  return {
    host: flags.host,
    port: flags.port,
    ...(flags.token === undefined ? {} : { token: flags.token }),
    guildCount: flags.guilds,
    guildShape: { channels: flags.channels, members: flags.members },
    shardCount: flags.shards,
    maxConcurrency: flags.maxConcurrency,
    identifyIntervalMs: flags.identifyInterval,
    heartbeatIntervalMs: flags.heartbeatInterval,
    resumeWindowMs: flags.resumeWindow,
    seed: flags.seed,
    control: flags.control,
  };
}

/** @returns undefined if no user is to do anything. */
export function trafficOptions(flags: Flags): TrafficOptions | undefined {
  const { command, commandsPerSecond, mentionsPerSecond, messagesPerSecond } = flags;
  if (commandsPerSecond + mentionsPerSecond + messagesPerSecond === 0) return undefined;
  const commands = command.map((name) => ({ name }));
  return { commandsPerSecond, mentionsPerSecond, messagesPerSecond, commands, mentions: command };
}

/** What another process needs, in one line. */
export function jsonLine({ url, token, ownerId, applicationId, botId, controlToken }: Simulator): string {
  return `${JSON.stringify({ url, token, ownerId, applicationId, botId, controlToken })}\n`;
}

/** What a human needs. */
export function banner(simulator: Simulator): string {
  const { url, token, ownerId, options } = simulator;
  const { guildCount, shardCount, maxConcurrency } = options;
  return [
    'Local Discord. This is NOT discord.com: guilds and users are made up, and nothing leaves this machine.',
    '',
    `  REST      ${url}`,
    `  gateway   ${simulator.gatewayUrl}`,
    `  token     ${token}`,
    `  owner id  ${ownerId}`,
    `  guilds    ${guildCount}, ${shardCount} recommended shards, max_concurrency ${maxConcurrency}`,
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
  // The token goes by stdin, because every user of the machine can read a program's arguments. `echo` is a part of the shell.
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

/** Why the simulator cannot be made, or cannot listen. */
export function startFailure(error: unknown, { host, port }: Flags): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another one with --port, or 0 for any free one`;
  if (code === 'EACCES') return `this user may not open port ${port}; choose one above 1023 with --port`;
  // An option that makes no sense has no code.
  return code === undefined ? message : `cannot listen on ${host}:${port}: ${message}`;
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

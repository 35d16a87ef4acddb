import type { Simulator } from '../Simulator.js';
import type { Flags } from './flags.js';

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

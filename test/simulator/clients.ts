import https from 'node:https';
import net from 'node:net';
import { Client, type ClientOptions, GatewayIntentBits } from 'discord.js';
import { Client as ErisClient, type ClientOptions as ErisOptions } from 'eris';
import type { Simulator } from '../../src/simulator/index.js';

/** An https agent whose sockets are plain: how a stock eris talks to http (it has no switch for it). */
class PlainAgent extends https.Agent {
  readonly #port: number;

  constructor(port: number) {
    super({ keepAlive: true });
    this.#port = port;
  }

  override createConnection(): net.Socket {
    return net.connect({ host: '127.0.0.1', port: this.#port });
  }
}

export function erisClient(discord: Simulator, options: Partial<ErisOptions> = {}): ErisClient {
  const agent = new PlainAgent(Number(new URL(discord.url).port));
  const client = new ErisClient(`Bot ${discord.token}`, {
    intents: ['guilds', 'guildMessages'],
    rest: { agent },
    ...options,
  });
  // Without a listener an 'error' of eris ends the process.
  client.on('error', () => undefined);
  return client;
}

export function discordJsClient(discord: Simulator, options: Partial<ClientOptions> = {}): Client {
  return new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
    rest: { api: discord.url },
    shards: 'auto',
    ...options,
  });
}

/** The next time the client emits the event, with its arguments. */
export function next(emitter: unknown, event: string): Promise<unknown[]> {
  const source = emitter as { once(event: string, listener: (...args: unknown[]) => void): unknown };
  return new Promise((resolve) => source.once(event, (...args) => resolve(args)));
}

/** Waits until the condition holds; fails with its text after five seconds. */
export async function until(condition: () => boolean, what: string | (() => string), timeoutMs = 5000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

import { afterEach } from 'vitest';
import { Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { RawGateway } from './RawGateway.js';

/** The local Discord of the running test. */
export let discord: Simulator;

/** Starts it, in place of an earlier one. The end of the test stops it. */
export async function start(options: SimulatorOptions = {}): Promise<void> {
  await discord?.stop();
  discord = new Simulator({ guildCount: 4, identifyIntervalMs: 0, ...options });
  await discord.start();
}

afterEach(() => discord?.stop());

/** The rules that were broken. */
export function violations(): string[] {
  return discord.account.violations.map(({ kind }) => kind);
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  body: any;
}

/** A REST request, with the bot's token unless `headers` has another `authorization`. Undefined headers are left out. */
export async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string | undefined> = {},
): Promise<Answer> {
  const all = { authorization: `Bot ${discord.token}`, 'content-type': 'application/json', ...headers };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(discord.url + path, {
    method,
    headers: given,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text || undefined };
}

/** A bot that answers the commands of that name, or all of them, with "pong". */
export async function pongBot(name?: string): Promise<RawGateway> {
  const client = await RawGateway.login(discord);
  client.answerWithPong(discord.url, name);
  return client;
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

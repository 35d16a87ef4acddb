import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DiscordFacts, DiscordMethods, DiscordStart, FromDiscord, ToDiscord } from './discordMethods.js';

const PROGRAM = fileURLToPath(new URL('programs/discord.js', import.meta.url));

type Methods = {
  readonly [Name in keyof DiscordMethods]: (
    ...args: Parameters<DiscordMethods[Name]>
  ) => Promise<Awaited<ReturnType<DiscordMethods[Name]>>>;
};

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The local Discord in a process of its own: what it costs, it does not cost the bot or those who measure. */
export class Discord {
  public readonly facts: DiscordFacts;
  public readonly ask: Methods;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  private constructor(child: ChildProcess, facts: DiscordFacts) {
    this.#child = child;
    this.facts = facts;
    this.ask = new Proxy({} as Methods, {
      get:
        (_target, name) =>
        (...args: unknown[]) =>
          this.#ask(name as keyof DiscordMethods, args),
    });
    child.on('message', (message: FromDiscord) => this.#settle(message));
    child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the local Discord ended'));
    });
  }

  public static async start(options: DiscordStart): Promise<Discord> {
    const child = fork(PROGRAM, [JSON.stringify(options)]);
    const [first] = (await once(child, 'message')) as [FromDiscord];
    if (!('facts' in first)) throw new Error('the local Discord did not start');
    return new Discord(child, first.facts);
  }

  public async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }

  #ask(name: keyof DiscordMethods, args: readonly unknown[]): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, args } satisfies ToDiscord);
    });
  }

  #settle(message: FromDiscord): void {
    if ('facts' in message) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(new Error(message.error));
    else waiting?.resolve(message.result);
  }
}

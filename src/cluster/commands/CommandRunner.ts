import { randomBytes } from 'node:crypto';
import { KallistiError } from '../../core/errors.js';
import type { ClusterContext } from '../ClusterContext.js';
import { LatencyWindow, type Percentiles } from '../stats/LatencyWindow.js';
import type { Answer } from './answer/Answer.js';
import { discordCode } from './answer/discordRest.js';
import type { Command } from './Command.js';
import type { CommandLogger } from './CommandRouter.js';
import { Invocation, type InvocationFacts } from './Invocation.js';
import type { OptionsResult } from './parsing/OptionsResult.js';
import { usageOf } from './parsing/usageOf.js';
import { describeFailure } from './text/describeFailure.js';

/** A command that somebody ran, with its arguments still unread. */
export interface CommandRequest {
  readonly facts: InvocationFacts;
  readonly command: Command;
  readonly answer: Answer;
  readOptions(): OptionsResult;
}

export interface CommandRunnerOptions {
  readonly context: ClusterContext<unknown>;
  readonly logger: CommandLogger;
  readonly deferAfterMs: number;
}

/**
 * Runs one command after another or side by side: owner check, arguments, `run`, and what the user is told when it fails.
 * Defers an answer that takes long, so that Discord's three seconds are kept. Knows what is running, and how fast
 * commands were answered. Never rejects and never throws.
 */
export class CommandRunner {
  readonly #running = new Set<InvocationFacts>();
  readonly #latencies = new LatencyWindow();
  readonly #idleListeners = new Set<() => void>();
  #handled = 0;

  public constructor(private readonly options: CommandRunnerOptions) {}

  public get running(): ReadonlySet<InvocationFacts> {
    return this.#running;
  }

  /** Commands that have ended, however they ended. */
  public get handled(): number {
    return this.#handled;
  }

  public latency(): Percentiles | null {
    return this.#latencies.percentiles();
  }

  /** Resolves when no command runs, or when the signal fires, with the number of those that still do. */
  public async drain(signal: AbortSignal): Promise<{ unfinished: number }> {
    if (this.#running.size > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          this.#idleListeners.delete(done);
          resolve();
        };
        signal.addEventListener('abort', done);
        this.#idleListeners.add(done);
      });
    }
    return { unfinished: this.#running.size };
  }

  public async run(request: CommandRequest): Promise<void> {
    const { answer, facts } = request;
    const startedAt = performance.now();
    this.#running.add(facts);
    const deferral = setTimeout(() => {
      answer.defer().catch((error: unknown) => this.#log('warn', error, facts, 'command could not be deferred'));
    }, this.options.deferAfterMs);
    try {
      await this.#dispatch(request);
      await answer.settled();
      if (answer.isMissing) this.options.logger.warn({ ...facts }, 'command ended without an answer');
    } catch (error) {
      await this.#reportFailure(error, request);
    } finally {
      clearTimeout(deferral);
      await answer.settled();
      if (answer.answeredAt !== undefined) this.#latencies.add(answer.answeredAt - startedAt);
      this.#handled += 1;
      this.#running.delete(facts);
      if (this.#running.size === 0) for (const listener of [...this.#idleListeners]) listener();
    }
  }

  async #dispatch({ command, facts, answer, readOptions }: CommandRequest): Promise<void> {
    const { context } = this.options;
    if (command.ownerOnly === true && !context.ownerIds.has(facts.userId)) {
      await answer.replyPrivately(`Only the owner of this bot may use \`${facts.name}\`.`);
      return;
    }
    if (facts.kind === 'mention' && command.ownerOnly !== true && isRestricted(command)) {
      await answer.replyPrivately(`Use \`/${facts.name}\`: Discord knows who may use it, and where.`);
      return;
    }
    const result = readOptions();
    if (!result.ok) {
      await answer.reply(`${result.problem} Usage: \`${usageOf(command)}\``);
      return;
    }
    await command.run(new Invocation(facts, result.options, answer), context);
  }

  async #reportFailure(error: unknown, { facts, answer }: CommandRequest): Promise<void> {
    if (error === answer.failure && discordCode(error) !== undefined) {
      // The bot may not speak there, or the channel is gone: to say so would fail in the same way.
      this.#log('warn', error, facts, 'Discord refused the answer');
      return;
    }
    let text: string;
    if (error instanceof KallistiError) {
      // An expected outcome of asking another process; the user can act on the reason.
      this.#log('warn', error, facts, 'command failed');
      text = describeFailure(error);
    } else {
      const incident = randomBytes(4).toString('hex');
      this.#log('error', error, { ...facts, incident }, 'command threw');
      text = `Something went wrong. If you report it, give this id: \`${incident}\``;
    }
    // Where answering is what failed, this may fail in the same way; its cause is in the log by now.
    await answer.reply(text).catch((err: unknown) => this.#log('debug', err, facts, 'failure could not be reported'));
  }

  #log(level: 'debug' | 'warn' | 'error', err: unknown, details: object, message: string): void {
    this.options.logger[level]({ err, ...details }, message);
  }
}

/**
 * Whether Discord keeps the slash command to some users or places. A mention must not be the way around that, and the bot
 * cannot check it: a guild's admins set other permissions, which only Discord knows
 * (discord.com/developers/docs/interactions/application-commands#permissions).
 */
function isRestricted({ definition }: Command): boolean {
  const { default_member_permissions: permissions = null, contexts = null, nsfw = false } = definition;
  return permissions !== null || contexts !== null || nsfw;
}

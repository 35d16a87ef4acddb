import { randomBytes } from 'node:crypto';
import { KallistiError } from '../../core/errors.js';
import type { ClusterContext } from '../ClusterContext.js';
import { LatencyWindow, type Percentiles } from '../stats/LatencyWindow.js';
import type { Answer } from './answer/Answer.js';
import { discordCode } from './answer/discordRest.js';
import type { Command } from './Command.js';
import type { CommandLogger } from './CommandRouter.js';
import { Invocation, type InvocationFacts } from './Invocation.js';
import { type OptionsResult, usageOf } from './parsing/options.js';
import { describeFailure } from './text/messageText.js';

/** A command that somebody ran, with its arguments still unread. */
export interface CommandRequest {
  readonly facts: InvocationFacts;
  readonly command: Command;
  readonly answer: Answer;
  /** How often it has been run, this time included. */
  readonly attempt: number;
  readOptions(): OptionsResult;
}

export interface CommandRunnerOptions {
  readonly context: ClusterContext<unknown>;
  readonly logger: CommandLogger;
  readonly deferAfterMs: number;
}

/**
 * Runs commands, side by side: it checks the owner, reads the arguments, calls `run`, and tells the user when that fails. It
 * defers an answer that takes long, because Discord waits for three seconds only. It knows what is running, and how fast
 * commands were answered. It never rejects and never throws.
 */
export class CommandRunner {
  readonly #running = new Set<InvocationFacts>();
  readonly #latencies = new LatencyWindow();
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
    }
  }

  async #dispatch({ command, facts, answer, attempt, readOptions }: CommandRequest): Promise<void> {
    const { context } = this.options;
    if (command.ownerOnly === true && !context.ownerIds.has(facts.userId)) {
      await answer.replyPrivately(`Only the owner of this bot can use \`${facts.name}\`.`);
      return;
    }
    if (facts.kind === 'mention' && command.ownerOnly !== true && isRestricted(command)) {
      await answer.replyPrivately(`Please use \`/${facts.name}\`: only Discord can check who may use it, and where.`);
      return;
    }
    const result = readOptions();
    if (!result.ok) {
      await answer.reply(`${result.problem} Usage: \`${usageOf(command)}\``);
      return;
    }
    await command.run(new Invocation({ ...facts, attempt }, result.options, answer), context);
  }

  async #reportFailure(error: unknown, { facts, answer }: CommandRequest): Promise<void> {
    if (error === answer.failure && discordCode(error) !== undefined) {
      // The bot may not speak there, or the channel is gone. Saying so would fail in the same way.
      this.#log('warn', error, facts, 'Discord refused the answer');
      return;
    }
    let text: string;
    if (error instanceof KallistiError) {
      // Asking another process may end so, and the user can act on the reason.
      this.#log('warn', error, facts, 'command failed');
      text = describeFailure(error);
    } else {
      const incident = randomBytes(4).toString('hex');
      this.#log('error', error, { ...facts, incident }, 'command threw');
      text = `Something went wrong. If you report it, please include this id: \`${incident}\``;
    }
    // Where answering is what failed, this may fail in the same way. The cause is in the log by now.
    await answer.reply(text).catch((err: unknown) => this.#log('debug', err, facts, 'failure could not be reported'));
  }

  #log(level: 'debug' | 'warn' | 'error', err: unknown, details: object, message: string): void {
    this.options.logger[level]({ err, ...details }, message);
  }
}

/**
 * Whether Discord restricts the slash command to some users or places. A mention must not be the way around that. The bot cannot
 * check it, because a guild's admins may have set other permissions, which only Discord knows
 * (discord.com/developers/docs/interactions/application-commands#permissions).
 */
function isRestricted({ definition }: Command): boolean {
  const { default_member_permissions: permissions = null, contexts = null, nsfw = false } = definition;
  return permissions !== null || contexts !== null || nsfw;
}

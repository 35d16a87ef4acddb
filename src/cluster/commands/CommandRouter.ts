import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import type { ClusterContext } from '../ClusterContext.js';
import { type CommandAttempt, FIRST_ATTEMPT } from '../dispatch/CommandAttempt.js';
import type { Percentiles } from '../stats/LatencyWindow.js';
import type { AnswerOptions } from './answer/Answer.js';
import type { DiscordRest } from './answer/discordRest.js';
import { type AnswerableInteraction, InteractionAnswer } from './answer/InteractionAnswer.js';
import { type AnswerableMessage, MentionAnswer } from './answer/MentionAnswer.js';
import { RestLanes } from './answer/RestLanes.js';
import type { Command } from './Command.js';
import { CommandRunner } from './CommandRunner.js';
import type { InvocationFacts } from './Invocation.js';
import { readOptions } from './parsing/options.js';
import { parseOptions } from './parsing/parseOptions.js';
import { readMention } from './parsing/readMention.js';
import { readGivenUp } from './readGivenUp.js';

/** The part of pino's logger that commands use. */
export type CommandLogger = Record<'debug' | 'warn' | 'error', (details: object, message: string) => void>;

export interface CommandRouterOptions {
  readonly context: ClusterContext<unknown>;
  /** Sends the answers. */
  readonly rest: DiscordRest;
  /** Who the bot is; null before the first READY. */
  readonly identity: () => BotIdentity | null;
  readonly commands: readonly Command[];
  readonly logger: CommandLogger;
  /** Takes secrets out of a text; every text is passed through it before it leaves. */
  readonly scrub: (text: string) => string;
  /**
   * Runs a command: `run` does. Called in the turn of the event loop in which its dispatch is handled. Default: runs it, for the
   * first time.
   */
  readonly runCommand?: (
    facts: InvocationFacts,
    command: Command,
    run: (attempt: CommandAttempt) => Promise<void>,
  ) => void;
  /** After how many milliseconds without an answer it is deferred. Default 1500: Discord waits for three seconds. */
  readonly deferAfterMs?: number;
}

const DEFAULTS = { deferAfterMs: 1_500 } as const satisfies Partial<CommandRouterOptions>;

const GIVEN_UP = 'The process of the bot ended while it ran this command, so it will not run it again.';

/** discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-type */
const APPLICATION_COMMAND = 2;
const CHAT_INPUT = 1;

/** Names of others' commands that are logged. A bot may have thousands of them, in its guilds. */
const MAX_LOGGED_NAMES = 100;

/** What the router reads of INTERACTION_CREATE. */
type SlashCommand = AnswerableInteraction & {
  readonly type: number;
  readonly guild_id?: string | undefined;
  readonly member?: { readonly user: { readonly id: string } } | undefined;
  readonly user?: { readonly id: string } | undefined;
  readonly data?: {
    readonly name?: string;
    readonly type?: number;
    readonly options?: readonly { readonly name: string; readonly value?: unknown }[];
  };
};

/** What the router reads of MESSAGE_CREATE. */
type IncomingMessage = AnswerableMessage & {
  readonly content: string;
  readonly webhook_id?: string | undefined;
  readonly author: { readonly id: string; readonly bot?: boolean };
};

/**
 * Makes commands of what users do in Discord: slash commands, and messages that begin with a mention of the bot. It is given
 * every dispatch as Discord sends it, and so knows no client library. The gateway never waits for a command.
 * Running a command, and all that can go wrong with it, is the runner's.
 *
 * What is none of its own commands belongs to the bot's own listeners: it is not answered, not acknowledged and not counted.
 */
export class CommandRouter {
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #runner: CommandRunner;
  readonly #lanes = new RestLanes();
  readonly #answerOptions: AnswerOptions;
  readonly #loggedNames = new Set<string>();
  #isListening = false;

  public constructor(private readonly options: CommandRouterOptions) {
    const { context, logger, scrub, deferAfterMs = DEFAULTS.deferAfterMs } = options;
    this.#commands = new Map(options.commands.map((command) => [command.definition.name, command]));
    this.#runner = new CommandRunner({ context, logger, deferAfterMs });
    this.#answerOptions = { scrub, debug: (details, message) => logger.debug(details, message) };
  }

  /** Commands that run now. */
  public get running(): ReadonlySet<InvocationFacts> {
    return this.#runner.running;
  }

  /** Commands that have ended since the process started. */
  public get handled(): number {
    return this.#runner.handled;
  }

  /** From a command's dispatch to Discord's acknowledgement of its answer, over the last five minutes. */
  public latency(): Percentiles | null {
    return this.#runner.latency();
  }

  public start(): void {
    this.#isListening = true;
  }

  /** Takes no more commands; those that run go on. */
  public stop(): void {
    this.#isListening = false;
  }

  /** Takes a dispatch of a shard, in the turn of the event loop in which the client handles it. */
  public receive(shardId: number, { t, d }: GatewayPacket): void {
    if (!this.#isListening) return;
    if (t === 'MESSAGE_CREATE') this.#onMessage(shardId, d as IncomingMessage);
    else if (t === 'INTERACTION_CREATE') this.#onInteraction(shardId, d as SlashCommand);
  }

  /**
   * Tells the user of a command, in whichever way is still possible, that it is not run again: processes ended while it ran.
   *
   * @param type of the dispatch, and `data` as Discord has sent them; what is no command is ignored.
   */
  public tellGivenUp(type: string, data: unknown): void {
    const { rest, identity } = this.options;
    const found = readGivenUp(type, data, identity()?.user);
    if (found === undefined) return;
    const lane = this.#lanes.acquire();
    const answer =
      found.kind === 'interaction'
        ? new InteractionAnswer(rest, found, lane, this.#answerOptions)
        : new MentionAnswer(rest, found, this.#answerOptions);
    void answer
      .reply(GIVEN_UP)
      .catch((error: unknown) => this.options.logger.warn({ err: error, id: found.id }, 'a user could not be told'))
      .finally(() => this.#lanes.release(lane));
  }

  #onInteraction(shardId: number, slash: SlashCommand): void {
    const { type, data, member, user, guild_id: guildId } = slash;
    const name = data?.name;
    // Outside of guilds there is a user and no member.
    const userId = member?.user.id ?? user?.id;
    if (type !== APPLICATION_COMMAND || (data?.type ?? CHAT_INPUT) !== CHAT_INPUT) return;
    if (name === undefined || userId === undefined) return;
    const command = this.#commands.get(name);
    if (command === undefined) {
      this.#logForeign(name);
      return;
    }

    const facts = this.#facts('interaction', command, { userId, guildId, shardId });
    const given = data?.options ?? [];
    this.#run(facts, command, async ({ number: attempt, isAcknowledged }) => {
      const lane = this.#lanes.acquire();
      const options = { ...this.#answerOptions, isAcknowledged };
      const answer = new InteractionAnswer(this.options.rest, slash, lane, options);
      const read = () => readOptions(command.definition, given);
      await this.#runner.run({ command, facts, answer, attempt, readOptions: read });
      this.#lanes.release(lane);
    });
  }

  #onMessage(shardId: number, message: IncomingMessage): void {
    const { content, author, webhook_id: webhookId, guild_id: guildId } = message;
    const self = this.options.identity()?.user;
    if (self === undefined || author.bot === true || author.id === self.id || webhookId !== undefined) return;
    const text = readMention(content, self);
    if (text === undefined) return;

    const [word = ''] = text.split(/\s/, 1);
    const command = this.#commands.get(word.toLowerCase());
    if (command === undefined) return;
    const args = text.slice(word.length);
    const answer = new MentionAnswer(this.options.rest, message, this.#answerOptions);
    const facts = this.#facts('mention', command, { userId: author.id, guildId, shardId });
    this.#run(facts, command, ({ number: attempt }) =>
      this.#runner.run({ command, facts, answer, attempt, readOptions: () => parseOptions(command, args) }),
    );
  }

  /** A listener of the bot may answer it, or it was removed from the code and Discord still shows it: nobody here can tell. */
  #logForeign(name: string): void {
    if (this.#loggedNames.has(name) || this.#loggedNames.size >= MAX_LOGGED_NAMES) return;
    this.#loggedNames.add(name);
    const message = 'a slash command that the framework does not have is left to the listeners of the bot';
    this.options.logger.debug({ name }, message);
  }

  #run(facts: InvocationFacts, command: Command, run: (attempt: CommandAttempt) => Promise<void>): void {
    const { runCommand } = this.options;
    if (runCommand === undefined) void run(FIRST_ATTEMPT);
    else runCommand(facts, command, run);
  }

  #facts(
    kind: InvocationFacts['kind'],
    command: Command,
    where: Pick<InvocationFacts, 'userId' | 'guildId' | 'shardId'>,
  ): InvocationFacts {
    return { kind, name: command.definition.name, ...where };
  }
}

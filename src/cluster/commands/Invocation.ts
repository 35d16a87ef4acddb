import type { ProgressTarget } from '../../core/contracts/ClusterContract.js';
import type { Answer } from './answer/Answer.js';
import type { OptionValue } from './Command.js';

/** Who ran which command where. */
export interface InvocationFacts {
  readonly kind: 'interaction' | 'mention';
  readonly name: string;
  readonly userId: string;
  /** Undefined in a direct message. */
  readonly guildId: string | undefined;
  readonly shardId: number;
}

/**
 * A command as a user ran it, by slash command or by mention, with the one answer that it gets. Calls that answer are carried
 * out in the order in which they were made.
 */
export class Invocation<Options = Readonly<Record<string, OptionValue>>> {
  public constructor(
    public readonly facts: InvocationFacts & { readonly attempt: number },
    public readonly options: Options,
    private readonly answer: Answer,
  ) {}

  public get name(): string {
    return this.facts.name;
  }

  public get userId(): string {
    return this.facts.userId;
  }

  public get guildId(): string | undefined {
    return this.facts.guildId;
  }

  public get shardId(): number {
    return this.facts.shardId;
  }

  /** How often the command has been run for this user's call, this time included: more than once after a crash. */
  public get attempt(): number {
    return this.facts.attempt;
  }

  /** Answers. Where there is already an answer or a deferral, it becomes this text. */
  public reply(text: string): Promise<void> {
    return this.answer.reply(text);
  }

  /** Answers so that only this user sees it: by an ephemeral message or, after a mention, a direct message. */
  public replyPrivately(text: string): Promise<void> {
    return this.answer.replyPrivately(text);
  }

  /** Tells Discord and the user that the answer takes longer. Need not be called: the router does it in time. */
  public defer(): Promise<void> {
    return this.answer.defer();
  }

  /** Changes the answer. It is the same as {@link reply}, named for what it does to an answer that is there. */
  public edit(text: string): Promise<void> {
    return this.answer.reply(text);
  }

  /** @returns what another process needs to edit the answer. @throws Error where nothing has been answered yet. */
  public progressTarget(): ProgressTarget {
    return this.answer.progressTarget();
  }
}

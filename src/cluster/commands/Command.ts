import type { CommandDefinition } from '../../core/contracts/ClusterContract.js';
import type { ClusterContext } from '../ClusterContext.js';
import type { OnCrash } from '../dispatch/Dispatch.js';
import type { Invocation } from './Invocation.js';

export type OptionValue = string | number | boolean;

/**
 * One command of the bot: what Discord is told about it, and what it does. `C` is the client library that it uses; one that
 * uses none works with every library.
 */
export interface Command<C = unknown> {
  readonly definition: CommandDefinition;
  /** Only for users in `ClusterContext.ownerIds`. Anybody else gets a refusal that only they see. Default false. */
  readonly ownerOnly?: boolean;
  /**
   * Whether the next process runs the command again that was running when a process crashed. Default `again`. `drop` is for
   * commands where doing it twice is worse than not answering.
   */
  readonly onCrash?: OnCrash;
  /** The arguments as the usage line shows them. Default: made from the definition. */
  readonly usage?: string;
  /** In a mention, what text an option given as `name:value` takes. Default: one word. */
  readonly namedOptions?: Readonly<Record<string, RegExp>>;
  /**
   * Answers the invocation. The user is told when it throws: an error of the framework with its reason, any other as "something
   * went wrong" with an id that is in the log.
   */
  run(invocation: Invocation, context: ClusterContext<C>): Promise<void>;
}

type Values<Option> = Option extends { readonly choices: readonly { readonly value: infer Value }[] }
  ? Value
  : Option extends { readonly type: 3 }
    ? string
    : Option extends { readonly type: 4 }
      ? number
      : boolean;

type OptionOf<Definition> = Definition extends { readonly options: readonly (infer Option)[] } ? Option : never;
type RequiredOf<Option> = Extract<Option, { readonly required: true }>;
type Named = { readonly name: string };

/** Options of a command, typed by its definition. */
export type OptionsOf<Definition extends CommandDefinition> = {
  readonly [Option in RequiredOf<OptionOf<Definition>> & Named as Option['name']]: Values<Option>;
} & {
  readonly [Option in Exclude<OptionOf<Definition>, RequiredOf<OptionOf<Definition>>> & Named as Option['name']]?:
    | Values<Option>
    | undefined;
};

type CommandWith<Definition extends CommandDefinition, C> = Omit<Command, 'definition' | 'run'> & {
  readonly definition: Definition;
  run(invocation: Invocation<OptionsOf<Definition>>, context: ClusterContext<C>): Promise<void>;
};

/**
 * Types `invocation.options` by the definition; the router has checked them against it before `run` is called. Whoever uses
 * the client says which it is: `run(invocation, { client }: ClusterContext<Client>)`.
 */
export function defineCommand<const Definition extends CommandDefinition, C = unknown>(
  command: CommandWith<Definition, C>,
): Command<C> {
  // TypeScript cannot see that the checked options have this type. Tests hold the two parsers to it.
  return command as unknown as Command<C>;
}

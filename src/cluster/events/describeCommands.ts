import type { CommandDefinition } from '../../core/contracts/ClusterContract.js';
import type { Command } from '../commands/Command.js';

/** Serves `describeCommands`: what the master registers with Discord. */
export const describeCommands = (commands: readonly Command[]) => (): readonly CommandDefinition[] =>
  commands.map(({ definition }) => definition);

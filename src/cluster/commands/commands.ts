import type { EvalResult } from '../../core/contracts/ClusterContract.js';
import type { Command } from './Command.js';
import { createEval } from './eval.js';
import { guild } from './guild.js';
import { loglevel } from './loglevel.js';
import { ping } from './ping.js';
import { restart } from './restart.js';
import { shards } from './shards.js';
import { stats } from './stats.js';
import { user } from './user.js';

export interface CommandDependencies {
  /** Runs code in this process, see `evaluateIn`. */
  readonly evaluate: (data: { code: string }) => Promise<EvalResult>;
}

/** Every command of the bot, in the order in which Discord is told of them. A new one is a file beside this one and a line here. */
export function createCommands({ evaluate }: CommandDependencies): readonly Command[] {
  return [ping, shards, guild, user, stats, createEval(evaluate), restart, loglevel];
}

/** What a bot's own cluster program needs: `kallisti/cluster`. */
export type { CommandDefinition, CommandOptionDefinition, ShardStatus } from '../core/contracts/ClusterContract.js';
export type { ClusterContext, MasterLink } from './ClusterContext.js';
export { ClusterWorker, type ClusterWorkerOptions } from './ClusterWorker.js';
export type { ClientAdapter, ClientFactory, ClientSetup } from './clients/ClientAdapter.js';
export type { ErisClient, ErisOptions } from './clients/eris/eris.js';
export { type Command, defineCommand, type OptionsOf, type OptionValue } from './commands/Command.js';
export { type CommandDependencies, createCommands } from './commands/commands.js';
export type { Invocation, InvocationFacts } from './commands/Invocation.js';
export type { OnCrash } from './dispatch/Dispatch.js';
export type { EventRules } from './dispatch/DispatchRunner.js';
export { onCrash } from './dispatch/onCrash.js';
export { defineJob, type Job, type JobOptions, type JobRun } from './jobs/Job.js';

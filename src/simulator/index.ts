export { Account } from './account/Account.js';
export type * from './account/accountEntries.js';
export type { RestFault } from './faults/FaultPlan.js';
export { Faults } from './faults/Faults.js';
export { INTENTS } from './gateway/intents.js';
export {
  DEFAULT_OPTIONS,
  type GuildShape,
  type RateLimitRule,
  type SessionStartLimit,
  type SimulatorOptions,
} from './options.js';
export type { Commands } from './rest/Commands.js';
export { RATE_LIMITS } from './rest/RateLimiter.js';
export { Simulator } from './Simulator.js';
export type { Guilds } from './users/Guilds.js';
export { type Answer, Interaction } from './users/Interaction.js';
export type { CommandRequest, ComponentRequest, OptionValue } from './users/Interactions.js';
export { type Reply, SentMessage, type UserMessage } from './users/Messages.js';
export type { TrafficCommand, TrafficOptions } from './users/Traffic.js';
export type * from './world/payloads.js';

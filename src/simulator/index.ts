export { Account } from './Account.js';
export type * from './accountEntries.js';
export type { CommandPayload, Commands } from './Commands.js';
export type { RestFault } from './FaultPlan.js';
export { Faults } from './Faults.js';
export type { Guilds } from './Guilds.js';
export { type Answer, Interaction } from './Interaction.js';
export type { CommandRequest, ComponentRequest, OptionValue } from './Interactions.js';
export { INTENTS } from './intents.js';
export { type Reply, SentMessage, type UserMessage } from './Messages.js';
export {
  DEFAULT_OPTIONS,
  type GuildShape,
  type SessionStartLimit,
  type SimulatorOptions,
} from './options.js';
export type * from './payloads.js';
export { RATE_LIMITS, type RateLimitRule } from './rest/RateLimiter.js';
export { Simulator } from './Simulator.js';
export type { TrafficCommand, TrafficOptions } from './Traffic.js';

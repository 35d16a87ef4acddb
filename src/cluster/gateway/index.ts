export { Gateway } from './Gateway.js';
export {
  type BotIdentity,
  DEFAULT_TIMINGS,
  type DispatchVerdict,
  type GatewayLogger,
  type GatewayOptions,
  type GatewayTimings,
  type SlotLease,
} from './GatewayOptions.js';

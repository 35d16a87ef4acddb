export { Gateway } from './Gateway.js';
export { GatewayLog } from './GatewayLog.js';
export {
  DEFAULT_TIMINGS,
  type DispatchVerdict,
  type GatewayLogger,
  type GatewayOptions,
  type GatewayTimings,
  type Slot,
} from './GatewayOptions.js';

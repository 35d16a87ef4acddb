import type { IdentifyGate } from '../gateway/IdentifyGate.js';
import type { Route } from './Api.js';

/** discord.com/developers/docs/events/gateway#get-gateway-bot */
export function gatewayRoutes(gate: IdentifyGate, shardCount: () => number, gatewayUrl: () => string): Route[] {
  return [
    { method: 'GET', path: '/gateway', auth: 'none', handle: () => ({ body: { url: gatewayUrl() } }) },
    {
      method: 'GET',
      path: '/gateway/bot',
      handle: () => ({ body: { url: gatewayUrl(), shards: shardCount(), session_start_limit: gate.describe() } }),
    },
  ];
}

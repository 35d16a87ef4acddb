import { GATEWAY_VERSION } from '../../core/discord/gatewayCodes.js';

const PROTOCOLS: ReadonlySet<string> = new Set(['ws:', 'wss:', 'http:', 'https:']);

export function isGatewayUrl(url: string): boolean {
  return URL.canParse(url) && PROTOCOLS.has(new URL(url).protocol);
}

/**
 * The full address of a socket. Version, encoding and compression must be the same for RESUME as for IDENTIFY, so they are
 * added here and are not part of a stored session.
 *
 * @param url the gateway's URL as Discord gives it; a query is replaced.
 * @throws TypeError where it is none.
 */
export function gatewayAddress(url: string, compress: boolean): string {
  if (!isGatewayUrl(url)) throw new TypeError(`${JSON.stringify(url)} is not the URL of a gateway`);
  const address = new URL(url);
  address.search = `?v=${GATEWAY_VERSION}&encoding=json${compress ? '&compress=zlib-stream' : ''}`;
  return address.href;
}

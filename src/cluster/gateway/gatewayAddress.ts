import { createRequire } from 'node:module';
import { Constants } from 'eris';

/**
 * eris switches to ETF as soon as `erlpack` can be required, and cannot be told not to; the address must say the same.
 * (Likewise it takes `zlib-sync` or `pako` for its option `compress`; with pako 2 and later it never gets READY.)
 */
const ENCODING = isInstalledForEris('erlpack') ? 'etf' : 'json';

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
  address.search = `?v=${Constants.GATEWAY_VERSION}&encoding=${ENCODING}${compress ? '&compress=zlib-stream' : ''}`;
  return address.href;
}

function isInstalledForEris(name: string): boolean {
  try {
    createRequire(createRequire(import.meta.url).resolve('eris'))(name);
    return true;
  } catch {
    // Not installed, or not built for this platform: then eris does without it as well.
    return false;
  }
}

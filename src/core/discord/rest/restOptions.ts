import { hostOf, RestAgent } from './RestAgent.js';

/** The version of the API, if its URL does not end in one. */
const API_VERSION = 10;

/** eris takes it as its `rest` option. */
export interface RestOptions {
  readonly domain: string;
  readonly baseURL: string;
  /** It keeps connections open. Whoever ends the client calls its `destroy()`. */
  readonly agent: RestAgent;
}

/**
 * Where REST requests go.
 *
 * `https://discord.com/api` leads to `/api/v10` on discord.com. A URL without a path gets `/api` first. A URL that ends in `/v<N>`
 * stays as it is. Ports, path prefixes and plain http are allowed.
 *
 * @throws TypeError if `apiUrl` is not an http or https URL.
 */
export function restOptions(apiUrl: string): RestOptions {
  const url = new URL(apiUrl);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TypeError(`The API's URL must begin with https:// or http://, not ${url.protocol}//`);
  }
  const path = url.pathname.replace(/\/+$/, '') || '/api';
  return {
    domain: hostOf(url),
    baseURL: /\/v\d+$/.test(path) ? path : `${path}/v${API_VERSION}`,
    agent: new RestAgent(url),
  };
}

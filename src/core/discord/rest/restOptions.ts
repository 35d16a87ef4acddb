import { hostOf, RestAgent } from './RestAgent.js';

/** Used where the URL of the API does not end in a version of its own. */
const API_VERSION = 10;

/** In the form that eris takes as its `rest` option. */
export interface RestOptions {
  readonly domain: string;
  readonly baseURL: string;
  /** Keeps connections open; call its `destroy()` when the client is not used any more. */
  readonly agent: RestAgent;
}

/**
 * Where REST requests go.
 *
 * `https://discord.com/api` gives `/api/v10` on discord.com; a URL without a path gets `/api`; one that ends in `/v<N>` is
 * taken as it is. Ports, path prefixes and plain http are allowed.
 *
 * @throws TypeError where `apiUrl` is not an http or https URL.
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

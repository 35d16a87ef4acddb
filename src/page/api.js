/** @import { AdminApi, AdminFailure } from '../core/contracts/AdminApi.js' */

const TIMEOUT_MS = 10_000;

/** The master answered with an error, or not at all (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {number | null} retryAfterSeconds
   */
  constructor(status, message, retryAfterSeconds = null) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Calls one endpoint. Paths are relative, so that the page also works behind a proxy that serves it under another path.
 *
 * @template {keyof AdminApi} Endpoint
 * @param {Endpoint} endpoint
 * @param {{ path?: string; body?: AdminApi[Endpoint]['body'] }} [options] `path`: that of the endpoint with its parameters.
 * @returns {Promise<AdminApi[Endpoint]['reply']>}
 * @throws {ApiError}
 */
export async function request(endpoint, { path, body } = {}) {
  const [method = '', pattern = ''] = endpoint.split(' ');
  /** @type {RequestInit} */
  const init = { method, signal: AbortSignal.timeout(TIMEOUT_MS), cache: 'no-store', credentials: 'same-origin' };
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  try {
    const response = await fetch((path ?? pattern).slice(1), init);
    const answer = await response.json();
    if (response.ok) return answer;
    throw toApiError(response, answer);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, 'The master does not answer.');
  }
}

/** @param {unknown} error */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {Response} response @param {Partial<AdminFailure>} answer */
function toApiError(response, answer) {
  const retryAfter = Number(response.headers.get('retry-after'));
  return new ApiError(
    response.status,
    answer.error?.message ?? `The master answered with ${response.status}.`,
    retryAfter > 0 ? retryAfter : null,
  );
}

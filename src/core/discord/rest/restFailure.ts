import { scrub } from '../../log/secrets.js';

/** Why a REST request failed, in words. It holds no secret. */
export interface RestFailure {
  readonly reason: string;
  /** The status of HTTP. Undefined if no answer came. */
  readonly status: number | undefined;
  /** A bare copy of eris's error, which holds the request and so the token. */
  readonly cause: Error;
}

/** What eris rejects with. Each field may be missing. */
interface ErisError extends Error {
  readonly code?: number | string;
  readonly res?: { readonly statusCode?: number; readonly statusMessage?: string };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (connection refused)',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be looked up just now',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no network',
  ETIMEDOUT: 'it does not answer',
  EPROTO: 'it does not speak https there',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak https there',
};

export function describeRestFailure(error: unknown): RestFailure {
  if (!(error instanceof Error)) return { reason: String(error), status: undefined, cause: new Error(String(error)) };
  const { res, code } = error as ErisError;
  // eris writes the path into the message, and a path may hold the token of an interaction.
  const cause = new Error(scrub(error.message));
  cause.name = error.name;
  if (error.stack !== undefined) cause.stack = scrub(error.stack);
  const status = res?.statusCode;
  return {
    reason: res === undefined ? withoutAnswer(error, code) : `${status} ${res.statusMessage}${detail(error)}`,
    status,
    cause,
  };
}

function withoutAnswer(error: Error, code: number | string | undefined): string {
  if (error instanceof SyntaxError) return 'the answer is not JSON';
  // Node tried several addresses of the host, and puts an error for each of them into one.
  if (error instanceof AggregateError && error.message === '') return withoutAnswer(error.errors[0] as Error, code);
  return REASONS[String(code)] ?? error.message;
}

/** A DiscordRESTError has Discord's code and words. Those of a form error have several lines. */
function detail(error: Error): string {
  return error.name.startsWith('DiscordRESTError') ? ` (${error.message.replaceAll(/\s*\n\s*/g, '; ')})` : '';
}

import type { AdminFailure } from '../../core/contracts/AdminApi.js';
import { type ErrorCode, KallistiError } from '../../core/errors.js';
import { scrub } from '../../core/log/secrets.js';

/**
 * Headers of every answer. The page needs nothing from elsewhere and makes no markup out of text, and nobody else may show it in
 * a frame.
 */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN_ORIGIN: 403,
  EVAL_DISABLED: 403,
  NOT_FOUND: 404,
  RESTART_IN_PROGRESS: 409,
  IDENTIFY_BUDGET_SPENT: 409,
  RATE_LIMITED: 429,
  NOT_RUNNING: 503,
  WORKER_NOT_FOUND: 503,
  WORKER_EXITED: 503,
  REQUEST_TIMEOUT: 503,
  QUEUE_FULL: 503,
};

export interface Failure {
  readonly status: number;
  readonly body: AdminFailure;
  /** A bug of ours: the caller learns only that there was one, and the log has the rest. */
  readonly isOurs: boolean;
}

/** @returns the value as JSON in which every secret is hidden. */
export function answerText(value: unknown): string {
  const text = JSON.stringify(value);
  const clean = scrub(text);
  if (clean === text) return text;
  try {
    JSON.parse(clean);
    return clean;
  } catch {
    // A secret of digits alone has also hidden numbers that only look like it. Real secrets stand in strings.
    return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? scrub(inner) : inner));
  }
}

/** @returns what the caller is told about an error. */
export function failureOf(error: unknown): Failure {
  if (error instanceof KallistiError) {
    const status = STATUS[error.code as ErrorCode] ?? 500;
    const [message = ''] = error.message.split('\n', 1);
    return { status, body: bodyOf(error.code, message, error.retryable), isOurs: false };
  }
  const status = statusOf(error);
  if (status !== undefined && status < 500) {
    const code = status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST';
    return { status, body: bodyOf(code, error instanceof Error ? error.message : '', false), isOurs: false };
  }
  return { status: 500, body: bodyOf('INTERNAL', "the master's log says what went wrong", false), isOurs: true };
}

function bodyOf(code: string, message: string, retryable: boolean): AdminFailure {
  return { error: { code, message, retryable } };
}

/** Fastify's own errors (a body that is no JSON, or is too large) carry a status. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  return error.statusCode;
}

import type { AdminFailure } from '../../core/contracts/AdminApi.js';
import { type ErrorCode, KallistiError } from '../../core/errors.js';

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
  /** A bug of ours: the caller is told no more than that, and the log has the rest. */
  readonly isOurs: boolean;
}

/** @returns what an error looks like to whoever made the request. */
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

/** Fastify's own errors (a body that is no JSON, or too large) carry a status. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  return error.statusCode;
}

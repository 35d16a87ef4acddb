import { ERROR_CODES, type KallistiError } from '../../../core/errors.js';
import { firstLine } from '../../../core/text/messageOf.js';

/** @returns why a request failed, in one line for the user: never a stack, and only the first line of the message. */
export function describeFailure(error: KallistiError): string {
  const known = Object.entries(ERROR_CODES).find(([code]) => code === error.code)?.[1];
  const meaning = known?.meaning ?? 'The process that was asked could not do it.';
  const advice = known?.retryable === true ? ' Try again in a moment.' : '';
  return `${meaning} (${error.code}: ${firstLine(error.message)})${advice}`;
}

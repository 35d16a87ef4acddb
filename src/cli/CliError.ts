import { type ErrorCode, KallistiError, RemoteError } from '../core/errors.js';
import { EXIT_CODES, type ExitCode } from './exitCodes.js';

/** The command line cannot go on. One line for a person, and the exit code for a script. */
export class CliError extends KallistiError {
  public readonly exitCode: ExitCode;

  public constructor(exitCode: ExitCode, code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.exitCode = exitCode;
  }
}

/** @returns the exit code for whatever ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  // The master answered, by a failure of its own.
  if (error instanceof RemoteError) return EXIT_CODES.refused;
  return EXIT_CODES.failed;
}

import { type ErrorCode, KallistiError, RemoteError } from '../core/errors.js';

/** The exit codes of the command line. Scripts rely on these numbers: they do not change. */
export const EXIT_CODES = {
  done: 0,
  /** The command did its work, and the result is bad: the restart failed, the code threw, nothing was found, the doctor found a FAIL. */
  failed: 1,
  wrongArguments: 2,
  noMaster: 3,
  /** The master does not accept the token, refuses, or gives no usable answer. */
  refused: 4,
  /** 128 + SIGINT, by Ctrl-C. What the master was asked for goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** For `--help`. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    done, and the result is bad: the restart failed, the code threw, nothing was found, the doctor found a FAIL
  2    wrong arguments
  3    no master runs
  4    the master does not accept the token, refuses, or gives no usable answer
  130  ended by Ctrl-C; what was asked for may go on without it`;

/** The command cannot go on. The message is one line for a person, the exit code is for scripts. */
export class CliError extends KallistiError {
  public readonly exitCode: ExitCode;

  public constructor(exitCode: ExitCode, code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.exitCode = exitCode;
  }
}

/** @returns the exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  // The master answered with a failure.
  if (error instanceof RemoteError) return EXIT_CODES.refused;
  return EXIT_CODES.failed;
}

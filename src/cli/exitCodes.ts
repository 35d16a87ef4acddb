/** How the command line ends. Scripts rely on these numbers: they do not change. */
export const EXIT_CODES = {
  done: 0,
  /** It was done, and the result is bad: the restart failed, the code threw, nothing was found, the doctor found a FAIL. */
  failed: 1,
  wrongArguments: 2,
  noMaster: 3,
  /** The master does not accept the token, refuses, or gives no usable answer. */
  refused: 4,
  /** 128 + SIGINT. Ctrl-C, while what was asked for goes on without us. */
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

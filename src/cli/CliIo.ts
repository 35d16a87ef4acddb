/** A stream to write to that may be a terminal, such as `process.stdout`. */
export type CliStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** What the command line needs of the process that it runs in. */
export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly env: NodeJS.ProcessEnv;
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

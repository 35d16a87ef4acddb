/**
 * Every error code of the framework. Codes are stable. `docs/errors.md` shows the same table, and a test keeps the two equal.
 * `retryable` says whether the same call may succeed later although nobody changes anything.
 */
export const ERROR_CODES = {
  CONFIG_INVALID: { retryable: false, meaning: 'A setting has a value that is not allowed.' },
  DATA_DIR_UNUSABLE: { retryable: false, meaning: 'DATA_DIR cannot be created, read or written.' },
  DATA_DIR_IN_USE: { retryable: false, meaning: 'Another master already runs on this DATA_DIR.' },
  DISCORD_REFUSED: {
    retryable: false,
    meaning: "Discord refuses the bot's token, intents, shard count or gateway version.",
  },
  DISCORD_UNREACHABLE: { retryable: true, meaning: "Discord's REST API gave no usable answer." },
  IDENTIFY_BUDGET_SPENT: { retryable: true, meaning: 'The restart would use IDENTIFYs that are kept for crashes.' },
  SHARDS_LOST: { retryable: true, meaning: 'A cluster lost shards again right after a restart had replaced it.' },
  HANDOVER_FAILED: { retryable: true, meaning: 'A cluster could not hand its shards over. Its old process serves on.' },
  RESTART_IN_PROGRESS: { retryable: true, meaning: 'A rolling restart is already under way.' },
  WORKER_NOT_FOUND: { retryable: true, meaning: 'No ready worker has this id.' },
  SPAWN_FAILED: { retryable: true, meaning: "The worker's process could not be created." },
  START_FAILED: { retryable: true, meaning: "The worker's start() threw." },
  EXITED_BEFORE_READY: { retryable: true, meaning: "The worker's process ended by itself before it was ready." },
  KILLED_BEFORE_READY: { retryable: true, meaning: "A signal ended the worker's process before it was ready." },
  READY_TIMEOUT: { retryable: true, meaning: 'The worker was not ready in the time allowed.' },
  STOPPED_BEFORE_READY: { retryable: true, meaning: 'The worker was told to stop before it was ready.' },
  KILL_FAILED: { retryable: true, meaning: "SIGKILL did not end the worker's process. It hangs in the kernel." },
  WORKER_EXITED: { retryable: true, meaning: 'The process at the other end of the request has ended.' },
  REQUEST_TIMEOUT: { retryable: true, meaning: 'No reply came in the time allowed.' },
  REQUEST_ABORTED: { retryable: false, meaning: 'The caller aborted the request.' },
  NO_HANDLER: { retryable: false, meaning: 'The other end has no handler for this message.' },
  REMOTE_ERROR: { retryable: false, meaning: 'The handler at the other end threw an error without a code of its own.' },
  SERIALIZATION_FAILED: { retryable: false, meaning: 'The data cannot be written as JSON.' },
  QUEUE_FULL: { retryable: true, meaning: 'Too many requests or bytes already wait for the other end.' },
  PAYLOAD_TOO_LARGE: { retryable: false, meaning: 'A payload for the gateway is larger than Discord takes.' },
  PROTOCOL_VIOLATION: { retryable: false, meaning: 'The other end sent bytes that break the protocol.' },
  INVALID_REQUEST: {
    retryable: false,
    meaning: 'A part of the request is missing, or has a value that is not allowed.',
  },
  UNAUTHORIZED: { retryable: false, meaning: 'The request to the admin API has no valid token and no valid login.' },
  FORBIDDEN_ORIGIN: {
    retryable: false,
    meaning: 'The request to the admin API comes from a foreign web page, or names a foreign host.',
  },
  RATE_LIMITED: { retryable: true, meaning: 'Too many attempts with a wrong token.' },
  NOT_FOUND: { retryable: false, meaning: 'There is no such cluster, or no such path in the admin API.' },
  JOB_REFUSED: {
    retryable: true,
    meaning: 'This cluster cannot take the run of a job: it stops, or does not have the job.',
  },
  EVAL_DISABLED: { retryable: false, meaning: 'The admin API runs code only with ADMIN_EVAL=on.' },
  MASTER_NOT_RUNNING: { retryable: true, meaning: 'The command line found no running master.' },
  NOT_RUNNING: { retryable: true, meaning: 'The master is starting or stopping, so it has no clusters to ask.' },
  INTERNAL: { retryable: false, meaning: 'The framework has a bug. The log of the master has the stack.' },
} as const satisfies Record<string, { retryable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** @returns `retryable` of the code's row; false if the code is not in the table. */
function isRetryable(code: string): boolean {
  return Object.hasOwn(ERROR_CODES, code) && ERROR_CODES[code as ErrorCode].retryable;
}

/** The base of all errors of the framework. Its `code` is stable, and `retryable` comes from the code's row above. */
export class KallistiError extends Error {
  public readonly code: string;
  public readonly retryable: boolean;

  public constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.retryable = isRetryable(code);
  }
}

/** The handler at the other end threw. Message, code and `retryable` are those of the handler's error. `origin` names its process. */
export class RemoteError extends KallistiError {
  public override readonly code: string;
  public override readonly retryable: boolean;
  public readonly remoteName: string;
  public readonly remoteStack: string | undefined;
  public readonly origin: string;

  public constructor(remote: { name: string; message: string; code?: string; stack?: string }, origin: string) {
    super('REMOTE_ERROR', remote.message);
    this.code = remote.code ?? 'REMOTE_ERROR';
    this.retryable = isRetryable(this.code);
    this.remoteName = remote.name;
    this.remoteStack = remote.stack;
    this.origin = origin;
    if (remote.stack !== undefined) this.stack = `${this.stack}\n  thrown by ${origin}: ${remote.stack}`;
  }
}

/** No reply came within `timeoutMs`. */
export class RequestTimeoutError extends KallistiError {
  public constructor(
    request: string,
    public readonly timeoutMs: number,
  ) {
    super('REQUEST_TIMEOUT', `${request}: no reply within ${timeoutMs} ms`);
  }
}

/** The caller's `AbortSignal` fired. `cause` is the reason of that signal. The web platform uses the same name. */
export class AbortError extends KallistiError {
  public constructor(request: string, reason: unknown) {
    super('REQUEST_ABORTED', `${request}: given up by the caller`, { cause: reason });
  }
}

/** How a process ended. Either `code` or `signal` is set. Both are null if nobody knows how it ended. */
export interface ExitReason {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** @returns how a process ended in words, for example `was killed by SIGKILL` or `exited with code 3`. */
export function describeExit({ code, signal }: ExitReason): string {
  if (signal !== null) return `was killed by ${signal}`;
  if (code !== null) return `exited with code ${code}`;
  return 'is gone';
}

/** The peer ended while it had a request to answer, or had ended before somebody made the request. */
export class WorkerExitedError extends KallistiError {
  public constructor(
    request: string,
    public readonly peer: string,
    public readonly exit: ExitReason,
  ) {
    super('WORKER_EXITED', `${request}: ${peer} ${describeExit(exit)}`);
  }
}

/** The other end has no handler for this message. */
export class NoHandlerError extends KallistiError {
  public constructor(request: string, peer: string) {
    super('NO_HANDLER', `${request}: ${peer} has no handler for it`);
  }
}

/** The data cannot be written as JSON. It has a cycle, a BigInt or a getter that throws. */
export class SerializationError extends KallistiError {
  public constructor(what: string, cause: unknown) {
    super('SERIALIZATION_FAILED', `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The peer reads or works too slowly, and too much waits for it already. Nothing was sent. */
export class QueueFullError extends KallistiError {
  public constructor(
    what: string,
    public readonly messageBytes: number,
    why = `the other end reads too slowly, no room for another ${messageBytes} bytes`,
  ) {
    super('QUEUE_FULL', `${what}: ${why}`);
  }
}

/** The payload has more than `maxBytes`. Discord would close the connection for it, so nothing was sent. */
export class PayloadTooLargeError extends KallistiError {
  public constructor(
    public readonly opcode: number,
    public readonly bytes: number,
    public readonly maxBytes: number,
  ) {
    super('PAYLOAD_TOO_LARGE', `Opcode ${opcode} with ${bytes} bytes: Discord takes at most ${maxBytes}`);
  }
}

/** The other end sent something that breaks our protocol. This end has closed the connection. */
export class ProtocolError extends KallistiError {
  public constructor(message: string) {
    super('PROTOCOL_VIOLATION', message);
  }
}

/** A worker did not become ready. The message ends with the last lines that the worker printed, if they can say why. */
export class WorkerStartError extends KallistiError {
  public constructor(
    code: Extract<
      ErrorCode,
      | 'SPAWN_FAILED'
      | 'START_FAILED'
      | 'EXITED_BEFORE_READY'
      | 'KILLED_BEFORE_READY'
      | 'READY_TIMEOUT'
      | 'STOPPED_BEFORE_READY'
    >,
    message: string,
    logLines: readonly string[],
    options?: ErrorOptions,
  ) {
    const tail =
      logLines.length === 0 ? '' : `\nIts last log lines:\n${logLines.map((line) => `  ${line}`).join('\n')}`;
    super(code, message + tail, options);
  }
}

/** No ready worker has this id. */
export class WorkerNotFoundError extends KallistiError {
  public constructor(
    public readonly workerType: string,
    public readonly workerId: number,
    why: string,
  ) {
    super('WORKER_NOT_FOUND', `${workerType} ${workerId} ${why}`);
  }
}

/** A setting is wrong. The message names the variable and what is allowed. It shows the value unless that is a secret. */
export class ConfigError extends KallistiError {
  public constructor(
    message: string,
    code: 'CONFIG_INVALID' | 'DATA_DIR_UNUSABLE' | 'DATA_DIR_IN_USE' = 'CONFIG_INVALID',
  ) {
    super(code, message);
  }
}

/** Discord refuses the bot, and no retry can help. The message says what to fix. It never holds the token. */
export class DiscordRefusedError extends KallistiError {
  public constructor(
    message: string,
    public readonly closeCode?: number,
  ) {
    super('DISCORD_REFUSED', message);
  }
}

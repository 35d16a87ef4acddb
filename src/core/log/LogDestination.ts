import { writeSync } from 'node:fs';

/** Where log lines go: anything with a `write`, such as `process.stdout`. */
export interface LogSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Bytes that may wait for a reader that does not read. Beyond it whole lines are dropped and counted. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 20;
/** How long the end of the process waits for such a reader, in milliseconds. */
const EXIT_FLUSH_MS = 1000;

/**
 * Writes log lines to a file descriptor at once, so that an exit loses no line. It never waits for the reader: a master that
 * hangs (or `npm start | less`) must not stop the cluster that logs.
 *
 * With a full pipe up to 4 MB of lines wait. Further lines are dropped, and a line says afterwards how many. A pipe without a
 * reader (EPIPE) ends the logging and nothing else. Pino's own destination cannot do both: in its sync mode it sleeps until the
 * reader reads, and in its async mode an exit loses lines.
 */
export class LogDestination implements LogSink {
  readonly #fd: number;
  #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #dropped = 0;
  #broken = false;
  #retry: NodeJS.Timeout | undefined;

  public constructor(fd: number) {
    this.#fd = fd;
  }

  public write(text: string): void {
    if (this.#broken) return;
    const line = Buffer.from(text);
    if (this.#backlog.length > 0) {
      this.#keep(line);
      return;
    }
    const rest = this.#writeNow(line);
    // The rest of a half-written line is kept whatever its size: the next line must not continue it.
    if (rest.length > 0) this.#keep(rest, rest.length < line.length);
  }

  /** Writes what waits. Sleeps for a slow reader, at most `deadlineMs` milliseconds. For the end of the process. */
  public flushSync(deadlineMs = EXIT_FLUSH_MS): void {
    const end = performance.now() + deadlineMs;
    while (this.#backlog.length > 0) {
      this.#drain();
      if (this.#backlog.length === 0 || performance.now() > end) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }

  #keep(line: Buffer, always = false): void {
    if (!always && this.#backlogBytes + line.length > MAX_BACKLOG_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#backlog.push(line);
    this.#backlogBytes += line.length;
    this.#retryLater();
  }

  #retryLater(): void {
    // Unref'd: a log line alone must not keep the process alive. The end of the process flushes.
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#drain();
      if (this.#backlog.length > 0) this.#retryLater();
    }, RETRY_MS).unref();
  }

  #drain(): void {
    while (this.#backlog.length > 0 && !this.#broken) {
      const all = Buffer.concat(this.#backlog);
      const rest = this.#writeNow(all);
      this.#backlog = rest.length > 0 ? [rest] : [];
      this.#backlogBytes = rest.length;
      if (rest.length > 0) return;
      this.#reportDropped();
    }
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const msg = `${this.#dropped} log lines were dropped, because nobody read them`;
    this.#dropped = 0;
    this.#keep(Buffer.from(`${JSON.stringify({ level: 40, time: Date.now(), pid: process.pid, msg })}\n`));
  }

  /** @returns what could not be written now. */
  #writeNow(bytes: Buffer): Buffer {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
      return rest;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EAGAIN' || code === 'EWOULDBLOCK') return rest;
      // A full disk may have room again. Any other error means that the reader is gone, and nobody is left to tell.
      if (code !== 'ENOSPC' && code !== 'EDQUOT') this.#breakOff();
      return Buffer.alloc(0);
    }
  }

  #breakOff(): void {
    this.#broken = true;
    this.#backlog = [];
    this.#backlogBytes = 0;
    clearTimeout(this.#retry);
  }
}

let standardOutput: LogDestination | undefined;

/** @returns this process's one destination for stdout. With two, lines of several loggers could mix. */
export function stdoutDestination(): LogDestination {
  if (standardOutput === undefined) {
    // The mere look at process.stdout makes a pipe non-blocking. So a write fails with EAGAIN instead of waiting.
    const fd = process.stdout.fd ?? 1;
    const destination = new LogDestination(fd);
    process.on('exit', () => destination.flushSync());
    standardOutput = destination;
  }
  return standardOutput;
}

let guarded = false;

/**
 * Keeps a closed stdout or stderr from killing the process. A worker outlives the master that read its output, and without a
 * listener the EPIPE of a plain `process.stdout.write` is an uncaught exception.
 */
export function surviveClosedOutput(): void {
  if (guarded) return;
  guarded = true;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      // Nobody reads any more, and there is nowhere else to report it.
    });
  }
}

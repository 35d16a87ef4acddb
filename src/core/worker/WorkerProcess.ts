import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ExitReason } from '../errors.js';
import type { WorkerHandle } from './AttachedProcess.js';

export interface WorkerProcessOptions {
  /** The program's file. */
  readonly file: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * One child process: its start, its output by lines, its end. Ends are facts here, not errors.
 *
 * It runs in a process group of its own, so that Ctrl-C in a terminal reaches the master alone, which then stops its workers
 * in order. It gets no stdin and no Node IPC channel.
 */
export class WorkerProcess implements WorkerHandle {
  readonly #child: ChildProcess;
  /** Resolves when the process has ended; rejects where it could not be started. */
  public readonly exited: Promise<ExitReason>;

  public constructor(options: WorkerProcessOptions) {
    this.#child = spawn(process.execPath, [...options.execArgv, options.file, ...options.args], {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      windowsHide: true,
    });
    const child = this.#child;
    this.exited = new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      // Heard for good: a signal that cannot be sent is an `error` event too. Its exit is still to come then.
      child.on('error', (error) => {
        if (child.pid === undefined) reject(error);
      });
    });
    // Node would end this process where the caller gives up before it waits.
    this.exited.catch(() => undefined);
  }

  public get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Its output; null where the process could not be started. A grandchild that inherited it may hold it open. */
  public get stdout(): Readable | null {
    // Without a file descriptor for the pipes (EMFILE) Node leaves it undefined, whatever its types say.
    return this.#child.stdout ?? null;
  }

  public get stderr(): Readable | null {
    return this.#child.stderr ?? null;
  }

  /** Sends a signal; does nothing where the process has ended. */
  public signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  public abandon(): void {
    this.#child.unref();
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import type { ExitReason } from '../errors.js';
import { splitLines } from '../lines.js';

export interface WorkerProcessOptions {
  /** The program's file. */
  readonly file: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
}

/**
 * One child process: its start, its output by lines, its end. Ends are facts here, not errors.
 *
 * It runs in a process group of its own, so that Ctrl-C in a terminal reaches the master alone, which then stops its workers
 * in order. It gets no stdin and no Node IPC channel.
 */
export class WorkerProcess {
  readonly #child: ChildProcess;
  /** Resolves when the process has ended; rejects where it could not be started. */
  public readonly exited: Promise<ExitReason>;
  /** Resolves when its output has been read to the end too. A grandchild that inherited it can delay that for ever. */
  public readonly outputEnded: Promise<void>;

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
      child.once('error', reject);
    });
    this.outputEnded = new Promise((resolve) => child.once('close', () => resolve()));
    if (child.stdout !== null) splitLines(child.stdout, (line) => options.onLine('stdout', line));
    if (child.stderr !== null) splitLines(child.stderr, (line) => options.onLine('stderr', line));
  }

  public get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a signal; does nothing where the process has ended. */
  public signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Gives its output up, which a grandchild may hold open: nothing of ours keeps the event loop alive then. */
  public releaseOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

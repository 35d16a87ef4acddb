import { constants } from 'node:os';
import { describeExit, type ExitReason } from '../../core/errors.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';
import type { Successor } from './Successor.js';

/** Exit code by which a successor asks for the next upgrade; sysexits.h calls it EX_TEMPFAIL. */
export const UPGRADE_EXIT_CODE = 75;

export interface SuccessionOptions {
  readonly spawn: () => Successor;
  /** How long a successor may take until it serves, in milliseconds. Then it is killed. */
  readonly startTimeoutMs: number;
  readonly clock?: Clock;
}

/** `exitCode`: a successor had served, and this process ends as it ended. `failure`: why there is no successor. */
export type SuccessionOutcome = { readonly exitCode: number } | { readonly failure: string };

/**
 * Starts successors of this process's master, one at a time, and passes signals on to them. Where a successor asks for the next
 * one, this process starts it. So the chain of processes is never longer than two, and whoever started the first one sees one
 * process.
 *
 * A signal that comes before the successor serves is kept until then: a program that starts does not listen yet, and would die
 * of it.
 */
export class Succession {
  readonly #options: SuccessionOptions;
  readonly #clock: Clock;
  #successor: Successor | undefined;
  #isServing = false;
  #kept: NodeJS.Signals | undefined;
  #mustStop = false;

  public constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Resolves when the last of them is gone. */
  public async run(): Promise<SuccessionOutcome> {
    for (;;) {
      const end = await this.#runOne();
      if (end instanceof Error) return { failure: end.message };
      if (end.code === UPGRADE_EXIT_CODE) {
        // It has let go of its clusters. They are to be stopped, not handed on.
        if (this.#mustStop) return { failure: 'stopped during an upgrade' };
        continue;
      }
      if (this.#isServing || end.code === 0) return { exitCode: exitCodeOf(end) };
      return { failure: describeExit(end) };
    }
  }

  /** Passes a signal on, now or as soon as the successor listens. A stop outranks an upgrade. */
  public signal(signal: NodeJS.Signals): void {
    this.#mustStop ||= signal !== 'SIGUSR2';
    if (this.#isServing) this.#successor?.signal(signal);
    else if (this.#kept === undefined || this.#kept === 'SIGUSR2') this.#kept = signal;
  }

  async #runOne(): Promise<ExitReason | Error> {
    this.#isServing = false;
    const successor = this.#options.spawn();
    this.#successor = successor;
    let timer: Timer | undefined;
    const timeout = new Promise<'timeout'>((resolve) => {
      timer = this.#clock.setTimeout(() => resolve('timeout'), this.#options.startTimeoutMs);
    });
    const serving = successor.serving.then(() => 'serving' as const);
    const first = await Promise.race([serving, successor.ended, timeout]);
    timer?.cancel();
    if (first === 'timeout') {
      successor.signal('SIGKILL');
      await successor.ended;
      return new Error(`it did not serve within ${this.#options.startTimeoutMs} ms`);
    }
    if (first !== 'serving') return first;
    this.#isServing = true;
    if (this.#kept !== undefined) successor.signal(this.#kept);
    this.#kept = undefined;
    return successor.ended;
  }
}

/** As in a shell: 128 and the signal's number. */
function exitCodeOf({ code, signal }: ExitReason): number {
  return code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
}

import type { Clock, Timer } from '../../core/time/clock.js';
import type { Repetition } from '../store/DispatchJournal.js';

export interface RepeaterOptions {
  /** Takes what other processes have left by now: each once. */
  readonly take: () => readonly Repetition[];
  /** Whether another process may leave more. */
  readonly isMoreToCome: () => boolean;
  readonly run: (repetition: Repetition) => void;
  readonly clock: Pick<Clock, 'setTimeout'>;
}

/** How many dispatches run again at a time: live traffic goes first. */
const MAX_RUNNING = 10;
/** How soon the next ones follow, in milliseconds. */
const STEP_MS = 20;
/** How often it looks whether another process has left something, in milliseconds. */
const LOOK_MS = 500;

/** Runs dispatches again that other processes have left unfinished, a few at a time. Interactions come first: somebody waits. */
export class Repeater {
  readonly #options: RepeaterOptions;
  readonly #running = new Set<Repetition>();
  #waiting: Repetition[] = [];
  #timer: Timer | undefined;

  public constructor(options: RepeaterOptions) {
    this.#options = options;
  }

  public start(): void {
    this.stop();
    this.#look();
  }

  /** What does not run yet stays in the store. */
  public stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = [];
    this.#running.clear();
  }

  #look(): void {
    const found = [...this.#waiting, ...this.#options.take()];
    this.#waiting = found.sort((a, b) => urgency(a) - urgency(b) || a.dispatch.facts.at - b.dispatch.facts.at);
    this.#step();
  }

  #step(): void {
    const { run, isMoreToCome, clock } = this.#options;
    for (const repetition of this.#running) if (!repetition.dispatch.isOpen) this.#running.delete(repetition);
    while (this.#waiting.length > 0 && this.#running.size < MAX_RUNNING) {
      const [next] = this.#waiting.splice(0, 1);
      if (next === undefined) break;
      this.#running.add(next);
      run(next);
    }
    this.#timer = undefined;
    if (this.#waiting.length > 0) this.#timer = clock.setTimeout(() => this.#step(), STEP_MS);
    else if (isMoreToCome()) this.#timer = clock.setTimeout(() => this.#look(), LOOK_MS);
  }
}

function urgency({ dispatch }: Repetition): number {
  return dispatch.facts.type === 'INTERACTION_CREATE' ? 0 : 1;
}

import { isPromiseLike } from '../clients/isPromiseLike.js';
import { type CommandAttempt, FIRST_ATTEMPT } from './CommandAttempt.js';
import type { Dispatch, OnCrash } from './Dispatch.js';
import { DispatchStack } from './DispatchStack.js';
import { ruleOf } from './onCrash.js';
import { currentRun, inRun, Run } from './Run.js';

/** By Discord's name of a dispatch. */
export type EventRules = Readonly<Record<string, OnCrash>>;

/**
 * Runs the dispatches of a process: calls what works on them, knows which of them go on, and waits for those at the end.
 */
export class DispatchRunner {
  readonly #stack = new DispatchStack();
  readonly #open = new Set<Dispatch>();
  readonly #idleListeners = new Set<() => void>();
  readonly #rules: EventRules;

  /** @param rules what becomes of work on a dispatch when the process crashes, where its listener says nothing. */
  public constructor(rules: EventRules = {}) {
    this.#rules = rules;
  }

  /** Dispatches whose work goes on. */
  public get open(): ReadonlySet<Dispatch> {
    return this.#open;
  }

  public start(): void {
    this.#stack.start();
  }

  public stop(): void {
    this.#stack.stop();
  }

  /** Calls the listeners of a dispatch. @param dispatch undefined where it is no work, as READY is not. */
  public run(dispatch: Dispatch | undefined, emit: () => void): void {
    this.#stack.run(dispatch, emit);
  }

  /** Calls one listener of the bot. One that was dropped by a crash is not called. */
  public callListener(listener: object, call: () => unknown): unknown {
    const dispatch = this.#stack.current;
    if (dispatch === undefined) return call();
    const rule = ruleOf(listener) ?? this.#rules[dispatch.facts.type] ?? 'again';
    const run = new Run(dispatch, dispatch.nextPart());
    if (rule === 'drop' && dispatch.facts.attempt > 1) return undefined;
    this.#stack.mark();
    const outcome = inRun(run, call);
    if (isPromiseLike(outcome)) dispatch.hold(outcome, rule);
    return outcome;
  }

  /** Runs a command of the framework as part of the dispatch whose listeners are being called. */
  public runCommand(name: string, rule: OnCrash, run: (attempt: CommandAttempt) => Promise<void>): void {
    const dispatch = this.#stack.current;
    if (dispatch === undefined) {
      void run(FIRST_ATTEMPT);
      return;
    }
    const part = new Run(dispatch, dispatch.nextPart());
    const { attempt: number } = dispatch.facts;
    if (rule === 'drop' && number > 1) return;
    const attempt = { number, isAcknowledged: dispatch.acknowledgement === 'confirmed' };
    this.#stack.rename(name, rule === 'drop');
    dispatch.hold(
      inRun(part, () => run(attempt)),
      rule,
    );
  }

  /** The dispatch that the caller works on goes on until the promise has settled. Elsewhere this does nothing. */
  public hold<T>(work: PromiseLike<T>): PromiseLike<T> {
    currentRun()?.dispatch.hold(work);
    return work;
  }

  /** A dispatch has begun to go on, or has ended. */
  public changed(dispatch: Dispatch): void {
    if (dispatch.isOpen) this.#open.add(dispatch);
    else this.#open.delete(dispatch);
    if (this.#open.size === 0) for (const listener of [...this.#idleListeners]) listener();
  }

  /**
   * Waits for the work that goes on.
   *
   * @param limitMs for how long.
   * @returns what had not ended by then.
   */
  public async drain(limitMs: number): Promise<readonly Dispatch[]> {
    if (this.#open.size > 0 && limitMs > 0) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#idleListeners.delete(done);
          resolve();
        };
        const timer = setTimeout(done, limitMs);
        this.#idleListeners.add(done);
      });
    }
    return [...this.#open];
  }
}

import { promiseHooks } from 'node:v8';
import type { Dispatch } from './Dispatch.js';

const FRAME = Symbol('dispatch');
type Traced = Promise<unknown> & { [FRAME]?: Dispatch };

/**
 * Knows whose code is on the stack of this process: the dispatch whose listeners are called, and again whenever what they have
 * begun goes on after an `await`. It notes that outside of the heap, so that the next process knows what this one died in.
 *
 * It follows promises by V8's own hooks. That costs 20 ns for each promise of the process, and two writes of a microsecond for
 * each continuation of a dispatch. It does not follow the callback of a timer or an emitter that no promise leads to.
 */
export class DispatchStack {
  #current: Dispatch | undefined;
  /** The mark says that the current one is on the stack. */
  #isMarked = false;
  #stopFollowing: (() => void) | undefined;

  /** The dispatch whose code runs now. */
  public get current(): Dispatch | undefined {
    return this.#current;
  }

  public start(): void {
    const outer: (Dispatch | undefined)[] = [];
    this.#stopFollowing ??= promiseHooks.createHook({
      init: (promise: Traced) => {
        if (this.#current !== undefined) promise[FRAME] = this.#current;
      },
      before: (promise: Traced) => {
        outer.push(this.#current);
        this.#enter(promise[FRAME]);
        this.mark();
      },
      after: () => this.#leave(outer.pop()),
    }) as () => void;
  }

  public stop(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
  }

  /**
   * Does the work of a dispatch. It is noted once code of the bot is about to run, see `mark`: most dispatches only change the
   * client's cache, and two writes would be a tenth of what they cost.
   *
   * @param dispatch undefined where it need not be noted.
   */
  public run(dispatch: Dispatch | undefined, work: () => void): void {
    const outer = this.#current;
    this.#enter(dispatch);
    try {
      work();
    } finally {
      this.#leave(outer);
    }
  }

  /** Code of the bot is called next: a listener, or a command. */
  public mark(): void {
    if (this.#isMarked || this.#current === undefined) return;
    this.#isMarked = true;
    this.#current.enter();
  }

  /** What is on the stack turns out to be a command, which runs next; see `Dispatch.rename`. */
  public rename(name: string, onlyOnce: boolean): void {
    this.#current?.rename(name, onlyOnce);
    this.#isMarked = false;
    this.mark();
  }

  #enter(dispatch: Dispatch | undefined): void {
    this.#unmark();
    this.#current = dispatch;
  }

  #leave(outer: Dispatch | undefined): void {
    this.#unmark();
    this.#current = outer;
    // Whoever has called this dispatch from within another one is code of the bot.
    this.mark();
  }

  /** Another dispatch may be of another shard, whose mark is in another file. */
  #unmark(): void {
    if (this.#isMarked) this.#current?.leave();
    this.#isMarked = false;
  }
}

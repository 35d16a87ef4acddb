import { promiseHooks } from 'node:v8';
import type { StackFrame } from './StackFrame.js';

const FRAME = Symbol('frame');
type Traced = Promise<unknown> & { [FRAME]?: StackFrame };

/**
 * Knows which dispatch's code is on the stack of this process, and says so outside of its heap, for the successor of a process
 * that ends there: while its listeners are called, and again whenever what they have begun goes on after an `await`.
 *
 * Promises are followed by V8's own hooks, which costs 20 ns for each promise of the process and two writes of a microsecond for
 * each continuation of a dispatch. A timer's or an emitter's callback is not followed where no promise is between.
 */
export class DispatchStack {
  #current: StackFrame | undefined;
  #stopFollowing: (() => void) | undefined;

  public start(): void {
    const outer: (StackFrame | undefined)[] = [];
    this.#stopFollowing ??= promiseHooks.createHook({
      init: (promise: Traced) => {
        if (this.#current !== undefined) promise[FRAME] = this.#current;
      },
      before: (promise: Traced) => {
        outer.push(this.#current);
        this.#enter(promise[FRAME]);
      },
      after: () => this.#leave(outer.pop()),
    }) as () => void;
  }

  public stop(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
  }

  /** @param frame undefined: the work is not noted. */
  public run(frame: StackFrame | undefined, work: () => void): void {
    const outer = this.#current;
    this.#enter(frame);
    try {
      work();
    } finally {
      this.#leave(outer);
    }
  }

  /** What is on the stack turns out to be a command. */
  public rename(name: string, onlyOnce: boolean): void {
    this.#current?.rename(name, onlyOnce);
  }

  #enter(frame: StackFrame | undefined): void {
    // It may be another shard's, whose mark is in another file.
    this.#current?.leave();
    this.#current = frame;
    frame?.enter();
  }

  #leave(outer: StackFrame | undefined): void {
    this.#current?.leave();
    this.#current = outer;
    outer?.enter();
  }
}

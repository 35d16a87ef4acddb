import type { OnStack, StackMark } from './StackMark.js';

/** As many runs as nothing survives: it is not run again. */
const ONLY_RUN = 99;

/** One dispatch, which gets on the stack and off it again and again. */
export class StackFrame {
  #facts: Omit<OnStack, 'enteredAt'>;

  public constructor(
    private readonly mark: StackMark,
    private readonly steadyNow: () => number,
    facts: Omit<OnStack, 'enteredAt' | 'since'>,
  ) {
    this.#facts = { ...facts, since: steadyNow() };
  }

  public enter(): void {
    this.mark.enter(this.#facts, this.steadyNow());
  }

  public leave(): void {
    this.mark.leave();
  }

  /**
   * The dispatch turns out to be a command. To be called before `enter()`.
   *
   * @param onlyOnce it may not run twice, whatever happens.
   */
  public rename(name: string, onlyOnce: boolean): void {
    this.#facts = { ...this.#facts, name, ...(onlyOnce ? { runs: ONLY_RUN } : {}) };
  }
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { Dispatch } from './Dispatch.js';

/** Longer is refused (discord.com/developers/docs/resources/message#create-message). */
const NONCE_LENGTH = 25;

/**
 * One listener, or one command, that works on a dispatch, or one run of a job. What it has begun finds it again with {@link currentRun}, through
 * promises, timers and callbacks.
 */
export class Run {
  readonly #counts = new Map<string, number>();

  /**
   * @param part tells it from the others that work on the dispatch. The next process counts alike, as long as the bot adds its
   * listeners in the same order.
   * @param isFramework its requests are the framework's own, which are not sent twice anyway.
   */
  public constructor(
    public readonly dispatch: Dispatch,
    private readonly part: number,
    public readonly isFramework = false,
  ) {}

  public asFramework(): Run {
    return new Run(this.dispatch, this.part, true);
  }

  /** @returns a name for the next request of this kind, which it has in every attempt. */
  public nextName(kind: string): string {
    const count = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, count + 1);
    const { shardId } = this.dispatch.facts;
    const whole = `${shardId} ${this.dispatch.key} ${this.part} ${kind} ${count}`;
    return createHash('sha256').update(whole).digest('base64url').slice(0, NONCE_LENGTH);
  }
}

const runs = new AsyncLocalStorage<Run>();

/** @returns undefined for what no dispatch has begun. */
export function currentRun(): Run | undefined {
  return runs.getStore();
}

/** Calls `work`, whose requests are the framework's own. */
export function asFramework<T>(work: () => T): T {
  const run = currentRun();
  return run === undefined ? work() : inRun(run.asFramework(), work);
}

/** Calls `work` as part of a run; whatever it begins belongs to that. */
export function inRun<T>(run: Run, work: () => T): T {
  return runs.run(run, work);
}

import type { InteractionEntry } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { MessagePayload } from '../world/payloads.js';

/** The first thing the user saw in answer to an interaction. */
export interface Answer {
  at: number;
  /** From the user's act to this answer. */
  latencyMs: number;
  kind: 'callback' | 'editOriginal' | 'followup';
  /** Callback type, e.g. 4 for a message; of the deferral when a deferred interaction was answered by an edit. */
  type: number;
  content: string;
  ephemeral: boolean;
  body: unknown;
  message: MessagePayload | undefined;
}

export type InteractionKind = 'command' | 'component' | 'autocomplete';

/**
 * One act of a simulated user that wants an answer. Knows in which state it is; which requests are allowed in which state,
 * {@link Interactions} decides.
 */
export class Interaction {
  /** Callback type of the acknowledgement. */
  acknowledgement: number | undefined;
  /** The message that `@original` means. */
  original: MessagePayload | undefined;
  isEphemeral = false;
  #answer: Answer | undefined;
  #error: Error | undefined;
  #waiters: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];

  constructor(
    readonly kind: InteractionKind,
    /** The live entry in the account. */
    readonly entry: InteractionEntry,
  ) {}

  get id(): string {
    return this.entry.id;
  }

  get token(): string {
    return this.entry.token;
  }

  get guildId(): string {
    return this.entry.guildId;
  }

  get answer(): Answer | undefined {
    return this.#answer;
  }

  /** Resolves with the first answer; rejects when nobody acknowledges it in time, or the simulator stops. */
  get answered(): Promise<Answer> {
    if (this.#answer !== undefined) return Promise.resolve(this.#answer);
    const { promise, waiter } = deferred<Answer>();
    if (this.#error !== undefined) waiter.reject(this.#error);
    else this.#waiters.push(waiter);
    // Who asked and then lost interest must not be punished with an unhandled rejection.
    promise.catch(() => undefined);
    return promise;
  }

  acknowledged(type: number): void {
    this.acknowledgement = type;
    this.entry.acknowledgedAt = now();
    this.entry.state = 'acknowledged';
  }

  answeredWith(answer: Omit<Answer, 'at' | 'latencyMs'>): void {
    if (this.#answer !== undefined) return;
    const at = now();
    this.#answer = { ...answer, at, latencyMs: at - this.entry.createdAt };
    this.entry.answeredAt = at;
    this.entry.state = 'answered';
    for (const { resolve } of this.#waiters) resolve(this.#answer);
    this.#waiters = [];
  }

  /** Nobody will answer any more. `state` becomes failed only if nobody acknowledged it. */
  failed(reason: string): void {
    if (this.#answer !== undefined || this.#error !== undefined) return;
    this.#error = new Error(`/${this.entry.name} (interaction ${this.id}): ${reason}`);
    if (this.entry.state === 'waiting') {
      this.entry.state = 'failed';
      this.entry.failedAt = now();
    }
    for (const { reject } of this.#waiters) reject(this.#error);
    this.#waiters = [];
  }
}

function deferred<T>() {
  const waiter: { resolve: (value: T) => void; reject: (error: Error) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  const promise = new Promise<T>((resolve, reject) => Object.assign(waiter, { resolve, reject }));
  return { promise, waiter };
}

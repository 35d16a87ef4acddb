import type { InteractionEntry } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { MessagePayload } from '../world/payloads.js';
import { deferred } from './deferred.js';

/** What the user saw first in answer to an interaction. */
export interface Answer {
  at: number;
  /** Milliseconds from the user's act to this answer. */
  latencyMs: number;
  kind: 'callback' | 'editOriginal' | 'followup';
  /** Type of the callback, e.g. 4 for a message. If an edit answered a deferred interaction: type of the deferral. */
  type: number;
  content: string;
  ephemeral: boolean;
  body: unknown;
  message: MessagePayload | undefined;
}

export type InteractionKind = 'command' | 'component' | 'autocomplete';

/** One act of a simulated user that wants an answer, and the state of that answer. */
export class Interaction {
  /** Callback type of the acknowledgement. */
  acknowledgement: number | undefined;
  /** The message that `@original` means. */
  original: MessagePayload | undefined;
  isEphemeral = false;
  readonly #answered = deferred<Answer>();
  #answer: Answer | undefined;

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

  /** Resolves with the first answer. Rejects if nobody acknowledges the interaction in time, or the simulator stops. */
  get answered(): Promise<Answer> {
    return this.#answered.promise;
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
    this.#answered.resolve(this.#answer);
  }

  /** No answer will come any more. The `state` becomes `failed` only if nobody acknowledged the interaction. */
  failed(reason: string): void {
    if (this.#answer !== undefined) return;
    this.#answered.reject(new Error(`/${this.entry.name} (interaction ${this.id}): ${reason}`));
    if (this.entry.state !== 'waiting') return;
    this.entry.state = 'failed';
    this.entry.failedAt = now();
  }
}

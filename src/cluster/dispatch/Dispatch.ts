import type { OnStack, StackMark } from './StackMark.js';

/** As many deaths as nothing survives: it is not run again. */
export const GIVEN_UP = 99;

/** Of how many requests of a dispatch the answers are remembered. */
const MAX_ANSWERS = 50;

/**
 * `sent`: nobody knows whether Discord has got it. Without an acknowledgement, Discord forgets an interaction after three seconds
 * (discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback).
 */
export type Acknowledgement = 'none' | 'sent' | 'confirmed';

/** What becomes of a piece of work that runs when its process crashes. */
export type OnCrash = 'again' | 'drop';

/** `work`: `isOpen` or `isKept`. */
export type DispatchChange = 'work' | 'acknowledgement' | 'answers';

/** What a dispatch needs of the shard that delivered it. */
export interface DispatchHost {
  readonly mark: Pick<StackMark, 'enter' | 'leave'>;
  /** See `ShardStoreOptions.steadyNow`. */
  readonly steadyNow: () => number;
  /** It goes on, or has ended, or what is known of it has changed. */
  dispatchChanged(dispatch: Dispatch, what: DispatchChange): void;
}

export interface DispatchFacts {
  /** -1 for a run of a job, which comes of no shard. Its session is the name of the job then, and its number the due time. */
  readonly shardId: number;
  /** Its session and its number there tell it from all other dispatches of its shard. */
  readonly session: string;
  readonly seq: number;
  /** As Discord calls it: `MESSAGE_CREATE`. */
  readonly type: string;
  /** Of its interaction or message; empty where it has none. */
  readonly id: string;
  /** The payload as Discord sent it. */
  readonly text: string;
  /** How often it has run, this time included. */
  readonly attempt: number;
  /** With how many deaths of processes it ran, of those that nothing else explains. */
  readonly deaths: number;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
}

/** What the attempts at a dispatch have come to, as far as the next one must know. */
export interface DispatchOutcome {
  readonly acknowledgement?: Acknowledgement;
  readonly answers?: readonly (readonly [name: string, answer: unknown])[];
}

/**
 * One dispatch, from the call of its listeners until the last promise that they returned, or gave to `hold()`, has settled.
 * What is left of it by then is unfinished work, see `UnfinishedWork`.
 */
export class Dispatch {
  /** Of its command where it is one, and Discord's otherwise. */
  public name: string;
  #since: number | undefined;
  #parts = 0;
  #open = 0;
  #kept = 0;
  #isOnlyRun = false;
  #acknowledgement: Acknowledgement;
  /** Made with the first one: most dispatches of most bots have none. */
  #answers: Map<string, unknown> | undefined;
  #hasActed = false;

  /** @param known what an earlier attempt has come to. */
  public constructor(
    private readonly host: DispatchHost,
    public readonly facts: DispatchFacts,
    known: DispatchOutcome = {},
  ) {
    this.name = facts.type;
    this.#acknowledgement = known.acknowledgement ?? 'none';
    if (known.answers !== undefined && known.answers.length > 0) this.#answers = new Map(known.answers);
  }

  public get key(): string {
    return keyOf(this.facts);
  }

  /** @returns a number for the next listener or command that works on it, in the order in which they are called. */
  public nextPart(): number {
    return this.#parts++;
  }

  /** Whether work of it goes on. */
  public get isOpen(): boolean {
    return this.#open > 0;
  }

  /** Whether work of it goes on that the next process runs again where this one ends. */
  public get isKept(): boolean {
    return this.#kept > 0;
  }

  /** What is known of the first answer to its interaction. */
  public get acknowledgement(): Acknowledgement {
    return this.#acknowledgement;
  }

  /** What Discord has answered to its requests, by their names. */
  public get answers(): NonNullable<DispatchOutcome['answers']> {
    return [...(this.#answers ?? [])];
  }

  /** @param name see `Run.nextName`. @returns undefined where nobody knows of an answer. */
  public answerOf(name: string): { readonly answer: unknown } | undefined {
    return this.#answers?.has(name) === true ? { answer: this.#answers.get(name) } : undefined;
  }

  /** Discord has answered a request, which is not to be sent again. */
  public answered(name: string, answer: unknown): void {
    this.#answers ??= new Map();
    if (this.#answers.size >= MAX_ANSWERS) return;
    this.#answers.set(name, answer ?? null);
    this.host.dispatchChanged(this, 'answers');
  }

  /** Whether it has sent anything to Discord. */
  public get hasActed(): boolean {
    return this.#hasActed;
  }

  /** A request is sent to Discord for it. */
  public acted(): void {
    this.#hasActed = true;
  }

  public acknowledge(how: Exclude<Acknowledgement, 'none'>): void {
    if (this.#acknowledgement === how || this.#acknowledgement === 'confirmed') return;
    this.#acknowledgement = how;
    this.host.dispatchChanged(this, 'acknowledgement');
  }

  /**
   * The dispatch goes on until the promise has settled. A rejection is not seen to here.
   *
   * @param onCrash `drop`: it is waited for, and not run again.
   */
  public hold(work: PromiseLike<unknown>, onCrash: OnCrash = 'again'): void {
    const kept = onCrash === 'again' ? 1 : 0;
    this.#count(1, kept);
    const settled = (): void => this.#count(-1, -kept);
    work.then(settled, settled);
  }

  /**
   * It turns out to be a command.
   *
   * @param isOnlyRun it may not run twice, whatever happens.
   */
  public rename(name: string, isOnlyRun: boolean): void {
    this.name = name;
    this.#isOnlyRun = isOnlyRun;
  }

  /** Its code is on the stack from now on. */
  public enter(): void {
    const { mark, steadyNow } = this.host;
    const { session, seq, id, deaths } = this.facts;
    const now = steadyNow();
    this.#since ??= now;
    const onStack: Omit<OnStack, 'enteredAt'> = {
      session,
      seq,
      id,
      name: this.name,
      runs: this.#isOnlyRun ? GIVEN_UP : deaths + 1,
      since: this.#since,
    };
    mark.enter(onStack, now);
  }

  public leave(): void {
    this.host.mark.leave();
  }

  #count(open: number, kept: number): void {
    const { isOpen, isKept } = this;
    this.#open += open;
    this.#kept += kept;
    if (isOpen !== this.isOpen || isKept !== this.isKept) this.host.dispatchChanged(this, 'work');
  }
}

export function keyOf({ session, seq }: Pick<DispatchFacts, 'session' | 'seq'>): string {
  return `${session}:${seq}`;
}

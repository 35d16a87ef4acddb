import { randomUUID } from 'node:crypto';
import type { SessionStartLimit } from '../../core/discord/sessionStartLimit.js';
import { AbortError, KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';
import { BudgetRefresh } from './BudgetRefresh.js';
import { IdentifyBudget, identifyReserve } from './IdentifyBudget.js';
import type { IdentifyStore } from './IdentifyBudgetStore.js';
import { IdentifyLine, type IdentifyRequest, type WaitingRequest } from './IdentifyLine.js';
import { IdentifyWindows } from './IdentifyWindows.js';

/** The permission to send one IDENTIFY now. */
export interface IdentifySlot {
  readonly id: string;
  readonly shardId: number;
  /** Gives it back. A second call does nothing. @param used whether an IDENTIFY was sent, or may have been. */
  release(used: boolean): void;
}

/** All of the budget is spent, and that holds requests up until `until`. */
export interface BudgetWait {
  /** Wall clock; null while Discord is asked. */
  readonly until: number | null;
  readonly shardIds: readonly number[];
}

export interface IdentifyQueueState {
  /** Null before the queue has started. Null too from the end of a window until somebody needs Discord's new number. */
  readonly remaining: number | null;
  readonly total: number;
  readonly reserve: number;
  readonly resetAt: number | null;
  readonly maxConcurrency: number;
  /** Per key that somebody waits for, in the order in which they will be granted. */
  readonly waiting: readonly { readonly key: number; readonly shardIds: readonly number[] }[];
  readonly slots: readonly { readonly id: string; readonly shardId: number; readonly holder: string }[];
  readonly budgetWait: BudgetWait | null;
}

export interface IdentifyQueueOptions {
  readonly store: IdentifyStore;
  readonly logger: Logger;
  /** Shards of the whole fleet; the reserve grows with it (see `identifyReserve`). */
  readonly shardCount: number;
  /** Asks Discord for the numbers of the new window. A rejection is tried again, with backoff. */
  readonly refresh: (signal: AbortSignal) => Promise<SessionStartLimit>;
  /** From one used slot's return to the next grant of its key, in milliseconds. Default 5000, Discord's. */
  readonly identifyIntervalMs?: number;
  /** A slot that does not return in this time counts as used, with a warning. In milliseconds, default 30 000. */
  readonly slotTimeoutMs?: number;
  readonly clock?: Clock;
}

interface Slot extends IdentifySlot {
  readonly holder: string;
  readonly deadline: number;
}

/** How often a wait for the budget is looked at again, in milliseconds: the wall clock may have jumped. */
const BUDGET_CHECK_MS = 60_000;

/**
 * Decides who may send an IDENTIFY, and when, for all processes of the bot. {@link IdentifyLine} decides the order.
 *
 * - Per key (`shardId % maxConcurrency`) one slot is out at a time. The next is granted `identifyIntervalMs` after the last
 *   came back used, and at once where it came back unused. Keys run in parallel
 *   (discord.com/developers/docs/events/gateway#sharding-max-concurrency).
 * - It never grants the IDENTIFY that would make Discord reset the token: slots that are out count as spent.
 * - Both hold across a restart of the master, by the store.
 *
 * A cluster returns a used slot when READY is there, or a moment after it sent the IDENTIFY. That moment is the margin for the
 * network's jitter; the queue adds none. RESUME needs no slot.
 */
export class IdentifyQueue {
  readonly #store: IdentifyStore;
  readonly #logger: Logger;
  readonly #refresh: BudgetRefresh;
  readonly #slotTimeoutMs: number;
  readonly #clock: Clock;
  readonly #budget: IdentifyBudget;
  readonly #windows: IdentifyWindows;
  readonly #stopped = new AbortController();

  readonly #line = new IdentifyLine<IdentifySlot>(() => this.#pump());
  readonly #slots = new Map<string, Slot>();
  #started = false;
  #timer: Timer | undefined;
  #budgetWait: BudgetWait | null = null;

  public constructor(options: IdentifyQueueOptions) {
    this.#store = options.store;
    this.#logger = options.logger;
    this.#slotTimeoutMs = options.slotTimeoutMs ?? 30_000;
    this.#clock = options.clock ?? systemClock;
    this.#budget = new IdentifyBudget(this.#clock, (total) => identifyReserve(total, options.shardCount));
    this.#windows = new IdentifyWindows(this.#clock, options.identifyIntervalMs ?? 5000);
    this.#refresh = new BudgetRefresh({
      budget: this.#budget,
      ask: options.refresh,
      onAnswer: (limit) => this.#onFreshBudget(limit),
      clock: this.#clock,
      logger: this.#logger,
    });
  }

  /**
   * Begins to grant. It counts from Discord's numbers and from what an earlier master left in the store.
   *
   * @param limit What Discord has just said. A master that takes over does not wait for Discord and leaves it out: the store
   * counts alone then, and with an empty store nothing is granted. The queue asks Discord meanwhile, until it answers.
   */
  public start(limit?: SessionStartLimit): void {
    const record = this.#store.load();
    if (limit !== undefined) this.#budget.open(limit, record);
    else {
      if (record !== undefined) this.#budget.restore(record);
      this.#refresh.want();
    }
    if (record !== undefined) {
      this.#windows.restore(record.maxConcurrency, record.usedAt);
      // A slot that was out when that master died counts as used just now: its process may live, and may still identify.
      for (const shardId of record.leasedShardIds) {
        this.#windows.markUsed(shardId);
        this.#budget.use();
      }
    }
    if (limit !== undefined) this.#windows.resize(limit.maxConcurrency);
    this.#started = true;
    this.#save();
    this.#pump();
    // Their IDENTIFYs may go out after Discord has answered. The answer does not count them then.
    for (let i = 0; i < (record?.leasedShardIds.length ?? 0); i++) this.#refresh.noteUse();
  }

  /** Rejects all requests that wait. Slots that are out count as used. */
  public stop(): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort(new Error('the identify queue has stopped'));
    this.#refresh.stop();
    this.#timer?.cancel();
    for (const slot of this.#slots.values()) this.#settle(slot, true);
    this.#line.drop(this.#stopped.signal.reason);
  }

  /**
   * Waits for the permission to send one IDENTIFY.
   *
   * @throws AbortError when `signal` fires, the holder is released, or the queue stops.
   */
  public acquire(request: IdentifyRequest): Promise<IdentifySlot> {
    const { reason, aborted } = this.#stopped.signal;
    if (aborted) return Promise.reject(new AbortError(`identify slot for shard ${request.shardId}`, reason));
    const granted = this.#line.join(request);
    this.#pump();
    return granted;
  }

  /** Gives a slot back by its id. One that is unknown (timed out, or an earlier master's) is ignored. */
  public release(slotId: string, used: boolean): void {
    const slot = this.#slots.get(slotId);
    if (slot === undefined) return;
    this.#settle(slot, used);
    this.#pump();
  }

  /**
   * The process is gone. Its requests are dropped, and its slots count as used: nobody knows whether an IDENTIFY went out.
   */
  public releaseHolder(holder: string): void {
    for (const slot of this.#slots.values()) if (slot.holder === holder) this.#settle(slot, true);
    this.#line.drop(new Error(`${holder} is gone`), holder);
    this.#pump();
  }

  /**
   * Asked before a planned restart takes anything down.
   *
   * @throws KallistiError IDENTIFY_BUDGET_SPENT where it would need more IDENTIFYs than the reserve allows. The message says
   * when there will be more.
   */
  public ensureRestartAffordable(identifies: number): void {
    const { remaining, total, reserve, resetAt, hasEnded, isKnown } = this.#budget;
    if (hasEnded || identifies <= this.#budget.spare - this.#slots.size) return;
    throw new KallistiError(
      'IDENTIFY_BUDGET_SPENT',
      !isKnown
        ? `this restart may need ${identifies} IDENTIFYs; how many are left is not known before Discord answers`
        : `this restart may need ${identifies} IDENTIFYs; ${remaining} of ${total} are left, ${reserve} of them kept for crashes; ` +
            `there are more ${resetAt === null ? 'when Discord says so' : `at ${new Date(resetAt).toISOString()}`}`,
    );
  }

  public state(): IdentifyQueueState {
    const { total, reserve, resetAt, remaining, hasEnded, isKnown } = this.#budget;
    const waiting = new Map<number, number[]>();
    for (const { shardId } of this.#line.inOrder()) {
      const key = this.#windows.keyOf(shardId);
      waiting.set(key, [...(waiting.get(key) ?? []), shardId]);
    }
    return {
      remaining: this.#started && isKnown && !hasEnded ? remaining : null,
      total,
      reserve,
      resetAt,
      maxConcurrency: this.#windows.maxConcurrency,
      waiting: [...waiting].map(([key, shardIds]) => ({ key, shardIds })),
      slots: [...this.#slots.values()].map(({ id, shardId, holder }) => ({ id, shardId, holder })),
      budgetWait: this.#budgetWait,
    };
  }

  /** Runs after every change: grants what may be granted, and sets the one timer for what comes next. */
  #pump(): void {
    if (!this.#started || this.#stopped.signal.aborted) return;
    this.#expireSlots();
    this.#grantDue();
    // Discord is asked only where somebody needs the new numbers. What is left of the old ones may be used meanwhile.
    if (this.#refresh.isWanted || this.#slots.size > 0 || !this.#line.isEmpty) this.#refresh.askIfNeeded();
    this.#announceBudgetWait();
    this.#setTimer();
  }

  #expireSlots(): void {
    for (const slot of this.#slots.values()) {
      if (this.#clock.now() < slot.deadline) continue;
      this.#logger.warn(
        `${slot.holder} kept the identify slot of shard ${slot.shardId} for ${this.#slotTimeoutMs} ms; it counts as used`,
      );
      this.#settle(slot, true);
    }
  }

  #grantDue(): void {
    const now = this.#clock.now();
    const taken = this.#takenKeys();
    for (const waiting of this.#line.inOrder()) {
      const key = this.#windows.keyOf(waiting.shardId);
      if (taken.has(key) || this.#windows.nextAt(waiting.shardId) > now) continue;
      if (!this.#canPay) continue;
      taken.add(key);
      this.#grant(waiting);
    }
  }

  #grant({ shardId, holder, grant }: WaitingRequest<IdentifySlot>): void {
    const id = randomUUID();
    const release = (used: boolean): void => this.release(id, used);
    this.#slots.set(id, { id, shardId, holder, release, deadline: this.#clock.now() + this.#slotTimeoutMs });
    // Before the cluster hears of it: whatever kills the master then, the next one knows of this slot.
    this.#save();
    grant({ id, shardId, release });
  }

  #settle(slot: Slot, used: boolean): void {
    this.#slots.delete(slot.id);
    if (used) {
      this.#windows.markUsed(slot.shardId);
      this.#budget.use();
      this.#refresh.noteUse();
    }
    this.#save();
  }

  #onFreshBudget(limit: SessionStartLimit | undefined): void {
    if (limit !== undefined) {
      this.#windows.resize(limit.maxConcurrency);
      this.#save();
    }
    this.#pump();
  }

  #announceBudgetWait(): void {
    const before = this.#budgetWait;
    const wait = this.#findBudgetWait();
    this.#budgetWait = wait;
    if ((wait === null) === (before === null) && wait?.until === before?.until) return;
    const { remaining, total, isKnown } = this.#budget;
    if (wait === null) {
      this.#logger.info(`the identify budget holds nobody up any more: ${remaining} of ${total} left`);
    } else {
      const until = wait.until === null ? 'Discord says when' : new Date(wait.until).toISOString();
      const shards = wait.shardIds.join(', ');
      this.#logger.warn(
        !isKnown
          ? `the identify budget is not known: shards ${shards} wait until Discord has said it`
          : `the identify budget is spent (0 of ${total} left; one more would reset the token): shards ${shards} wait until ${until}`,
      );
    }
  }

  #findBudgetWait(): BudgetWait | null {
    const { remaining, resetAt } = this.#budget;
    if (remaining > 0 || this.#line.isEmpty) return null;
    const shardIds = this.#line.inOrder().map(({ shardId }) => shardId);
    return { until: resetAt, shardIds: shardIds.sort((a, b) => a - b) };
  }

  /**
   * Moments that have passed since `#grantDue` looked count too, and the timer fires at once for them. Left out, such a moment
   * would be missed for ever.
   */
  #setTimer(): void {
    this.#timer?.cancel();
    const moments = [...this.#slots.values()].map(({ deadline }) => deadline);
    const taken = this.#takenKeys();
    for (const { shardId } of this.#line.inOrder()) {
      const lacksOnlyTime = !taken.has(this.#windows.keyOf(shardId)) && this.#canPay;
      if (lacksOnlyTime) moments.push(this.#windows.nextAt(shardId));
    }
    const now = this.#clock.now();
    const { resetAt, isOutdated } = this.#budget;
    const asksAgainAt = this.#refresh.nextAt;
    if (this.#refresh.isWanted || (this.#budgetWait !== null && isOutdated)) {
      if (asksAgainAt !== undefined) moments.push(asksAgainAt);
    } else if (this.#budgetWait !== null) {
      const resetInMs = resetAt === null ? 0 : resetAt - this.#clock.wallNow();
      moments.push(now + Math.min(resetInMs, BUDGET_CHECK_MS));
    }
    if (moments.length === 0) return;
    // A timer that fires early finds nothing due yet, and sets itself again for the rest.
    const delayMs = Math.max(0, Math.ceil(Math.min(...moments) - now));
    this.#timer = this.#clock.setTimeout(() => this.#pump(), delayMs);
  }

  #takenKeys(): Set<number> {
    return new Set([...this.#slots.values()].map(({ shardId }) => this.#windows.keyOf(shardId)));
  }

  /** Slots that are out count as spent: each may turn out to have been used. */
  get #canPay(): boolean {
    return this.#budget.remaining > this.#slots.size;
  }

  #save(): void {
    this.#store.save({
      total: this.#budget.total,
      remaining: this.#budget.remaining,
      resetAt: this.#budget.resetAt,
      maxConcurrency: this.#windows.maxConcurrency,
      usedAt: this.#windows.store(),
      leasedShardIds: [...this.#slots.values()].map(({ shardId }) => shardId),
    });
  }
}

import { randomUUID } from 'node:crypto';
import type { SessionStartLimit } from '../../core/discord/sessionStartLimit.js';
import { AbortError, KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';
import { BudgetRefresh } from './BudgetRefresh.js';
import { IdentifyBudget, type IdentifyPurpose, identifyReserve } from './IdentifyBudget.js';
import type { IdentifyStore } from './IdentifyBudgetStore.js';
import { IdentifyWindows } from './IdentifyWindows.js';

export interface IdentifyRequest {
  readonly shardId: number;
  /** Names one life of one process, for example `cluster 3 generation 2`. */
  readonly holder: string;
  readonly purpose: IdentifyPurpose;
  /** Leaves the queue. A lease that was granted by then stays with the caller, who gives it back. */
  readonly signal?: AbortSignal;
}

/** The permission to send one IDENTIFY now. */
export interface IdentifyLease {
  readonly id: string;
  readonly shardId: number;
  /** Gives it back. `used`: an IDENTIFY was sent, or may have been. A second call does nothing. */
  release(used: boolean): void;
}

/** Nobody (`spent`), or no planned restart (`reserve`), may identify before `until`. */
export interface BudgetWait {
  readonly kind: 'spent' | 'reserve';
  /** Wall clock; null while Discord is asked. */
  readonly until: number | null;
  readonly shardIds: readonly number[];
}

export interface IdentifyQueueState {
  /** Null before the queue has started, and from the end of a window until somebody has needed Discord's new number. */
  readonly remaining: number | null;
  readonly total: number;
  readonly reserve: number;
  readonly resetAt: number | null;
  readonly maxConcurrency: number;
  /** Per key that somebody waits for, in the order in which they will be granted. */
  readonly waiting: readonly { readonly key: number; readonly shardIds: readonly number[] }[];
  readonly leases: readonly { readonly id: string; readonly shardId: number; readonly holder: string }[];
  readonly budgetWait: BudgetWait | null;
}

export interface IdentifyQueueOptions {
  readonly store: IdentifyStore;
  readonly logger: Logger;
  /** Shards of the whole fleet; the reserve grows with it (see `identifyReserve`). */
  readonly shardCount: number;
  /** Asks Discord for the numbers of the new window. A rejection is tried again, with backoff. */
  readonly refresh: (signal: AbortSignal) => Promise<SessionStartLimit>;
  /** From one used lease's return to the next grant of its key. Default 5000 ms, Discord's. */
  readonly identifyIntervalMs?: number;
  /** A lease that does not return in this time counts as used, with a warning. Default 30 000 ms. */
  readonly leaseTimeoutMs?: number;
  /** The budget began to hold requests up, or (null) no longer does. Must not throw. */
  readonly onBudgetWait?: (wait: BudgetWait | null) => void;
  readonly clock?: Clock;
}

interface Waiting extends IdentifyRequest {
  readonly arrival: number;
  grant(lease: IdentifyLease): void;
  drop(reason: unknown): void;
}

interface Lease extends IdentifyLease {
  readonly holder: string;
  readonly deadline: number;
}

/** A wait for the budget is looked at again this often: the wall clock may have jumped. */
const BUDGET_CHECK_MS = 60_000;

/**
 * Decides who may send an IDENTIFY, and when, for all processes of the bot.
 *
 * - Per key (`shardId % maxConcurrency`) one lease is out at a time; the next is granted `identifyIntervalMs` after the
 *   last came back used, at once where it came back unused. Keys run in parallel.
 * - It never grants the IDENTIFY that would make Discord reset the token: leases out count as spent already.
 * - Both hold across a restart of the master, by the store.
 *
 * Order within a key: planned restarts last (they can wait, the others are down); then the shard that was granted
 * longest ago, never-granted ones first; then by shard id. So a cold start runs 0, 1, 2 ..., and a shard that crashes
 * again and again goes behind every other that waits, where plain shard order would let shard 0 starve its key.
 *
 * The cluster returns a used lease when READY is there, or a moment after it sent the IDENTIFY: that is the margin for the
 * network's jitter, and none is added here. RESUME needs no lease.
 */
export class IdentifyQueue {
  readonly #store: IdentifyStore;
  readonly #logger: Logger;
  readonly #refresh: BudgetRefresh;
  readonly #leaseTimeoutMs: number;
  readonly #onBudgetWait: (wait: BudgetWait | null) => void;
  readonly #clock: Clock;
  readonly #budget: IdentifyBudget;
  readonly #windows: IdentifyWindows;
  readonly #stopped = new AbortController();

  readonly #waiting = new Set<Waiting>();
  readonly #leases = new Map<string, Lease>();
  /** Per shard, how many grants there had been before its last one. */
  readonly #grantedAs = new Map<number, number>();
  #arrivals = 0;
  #grants = 0;
  #started = false;
  #timer: Timer | undefined;
  #budgetWait: BudgetWait | null = null;

  public constructor(options: IdentifyQueueOptions) {
    this.#store = options.store;
    this.#logger = options.logger;
    this.#leaseTimeoutMs = options.leaseTimeoutMs ?? 30_000;
    this.#onBudgetWait = options.onBudgetWait ?? (() => undefined);
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
   * Begins to grant, from Discord's numbers and what an earlier master left in the store.
   *
   * @param limit Left out by a master that takes over and must not wait for Discord: the store counts alone, and without it
   * nothing is granted. Discord is asked meanwhile, until it answers.
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
      // A lease that was out when that master died counts as used just now: its process may live, and send it yet.
      for (const shardId of record.leasedShardIds) {
        this.#windows.markUsed(shardId);
        this.#budget.use();
      }
    }
    if (limit !== undefined) this.#windows.resize(limit.maxConcurrency);
    this.#started = true;
    this.#save();
    this.#pump();
    // Their IDENTIFYs may go out after Discord has answered, which then does not know of them.
    for (let i = 0; i < (record?.leasedShardIds.length ?? 0); i++) this.#refresh.noteUse();
  }

  /** Rejects all who wait; leases that are out count as used. */
  public stop(): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort(new Error('the identify queue has stopped'));
    this.#refresh.stop();
    this.#timer?.cancel();
    for (const lease of this.#leases.values()) this.#settle(lease, true);
    for (const waiting of this.#waiting) waiting.drop(this.#stopped.signal.reason);
  }

  /**
   * Waits for the permission to send one IDENTIFY.
   *
   * @throws AbortError when `signal` fires, the holder is released, or the queue stops.
   */
  public acquire(request: IdentifyRequest): Promise<IdentifyLease> {
    return new Promise((resolve, reject) => {
      const { signal, shardId } = request;
      const leave = (): void => {
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        ...request,
        arrival: this.#arrivals++,
        grant: (lease) => {
          leave();
          resolve(lease);
        },
        drop: (reason) => {
          leave();
          reject(new AbortError(`identify slot for shard ${shardId}`, reason));
        },
      };
      const abort = (): void => {
        waiting.drop(signal?.reason);
        this.#pump();
      };
      if (this.#stopped.signal.aborted) return waiting.drop(this.#stopped.signal.reason);
      if (signal?.aborted) return waiting.drop(signal.reason);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiting);
      this.#pump();
    });
  }

  /** Gives a lease back by its id. One that is unknown (timed out, or an earlier master's) is ignored. */
  public release(leaseId: string, used: boolean): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) return;
    this.#settle(lease, used);
    this.#pump();
  }

  /**
   * The process is gone: its leases count as used (nobody knows whether the IDENTIFY went out), its requests are dropped.
   */
  public releaseHolder(holder: string): void {
    for (const lease of this.#leases.values()) if (lease.holder === holder) this.#settle(lease, true);
    for (const waiting of this.#waiting) if (waiting.holder === holder) waiting.drop(new Error(`${holder} is gone`));
    this.#pump();
  }

  /**
   * Asked before a planned restart takes anything down.
   *
   * @throws KallistiError IDENTIFY_BUDGET_SPENT when it would need more IDENTIFYs than the reserve allows; the message
   * says when there are more.
   */
  public ensureRestartAffordable(identifies: number): void {
    const { remaining, total, reserve, resetAt, hasEnded, isKnown } = this.#budget;
    if (hasEnded || identifies <= this.#budget.left('restart') - this.#leases.size) return;
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
    for (const { shardId } of this.#inOrder()) {
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
      leases: [...this.#leases.values()].map(({ id, shardId, holder }) => ({ id, shardId, holder })),
      budgetWait: this.#budgetWait,
    };
  }

  /** Everything that changes ends here: grant what may be granted, and set the one timer for what comes next. */
  #pump(): void {
    if (!this.#started || this.#stopped.signal.aborted) return;
    this.#expireLeases();
    this.#grantDue();
    // Only where somebody needs the new numbers. What is left of the old ones may be used meanwhile.
    if (this.#refresh.isWanted || this.#leases.size > 0 || this.#waiting.size > 0) this.#refresh.askIfNeeded();
    this.#announceBudgetWait();
    this.#setTimer();
  }

  #expireLeases(): void {
    for (const lease of this.#leases.values()) {
      if (this.#clock.now() < lease.deadline) continue;
      this.#logger.warn(
        `${lease.holder} kept the identify slot of shard ${lease.shardId} for ${this.#leaseTimeoutMs} ms; it counts as used`,
      );
      this.#settle(lease, true);
    }
  }

  #grantDue(): void {
    const now = this.#clock.now();
    const taken = this.#takenKeys();
    for (const waiting of this.#inOrder()) {
      const key = this.#windows.keyOf(waiting.shardId);
      if (taken.has(key) || this.#windows.nextAt(waiting.shardId) > now) continue;
      if (!this.#canPay(waiting.purpose)) continue;
      taken.add(key);
      this.#grant(waiting);
    }
  }

  #grant(waiting: Waiting): void {
    const { shardId, holder } = waiting;
    const id = randomUUID();
    const release = (used: boolean): void => this.release(id, used);
    const lease: Lease = { id, shardId, holder, release, deadline: this.#clock.now() + this.#leaseTimeoutMs };
    this.#leases.set(id, lease);
    this.#grantedAs.set(shardId, this.#grants++);
    this.#save();
    waiting.grant(lease);
  }

  #settle(lease: Lease, used: boolean): void {
    this.#leases.delete(lease.id);
    if (used) {
      this.#windows.markUsed(lease.shardId);
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
    if (wait?.kind === before?.kind && wait?.until === before?.until) return;
    const { remaining, total, reserve, isKnown } = this.#budget;
    if (wait === null) {
      this.#logger.info(`the identify budget holds nobody up any more: ${remaining} of ${total} left`);
    } else {
      const until = wait.until === null ? 'Discord says when' : new Date(wait.until).toISOString();
      const shards = wait.shardIds.join(', ');
      this.#logger.warn(
        !isKnown
          ? `the identify budget is not known: shards ${shards} wait until Discord has said it`
          : wait.kind === 'spent'
            ? `the identify budget is spent (0 of ${total} left; one more would reset the token): shards ${shards} wait until ${until}`
            : `the identify budget is down to its reserve (${remaining} of ${total} left, ${reserve} kept for crashes): ` +
              `the restart of shards ${shards} waits until ${until}`,
      );
    }
    this.#onBudgetWait(wait);
  }

  #findBudgetWait(): BudgetWait | null {
    const held = [...this.#waiting].filter(({ purpose }) => this.#budget.left(purpose) === 0);
    if (held.length === 0) return null;
    const { remaining, resetAt } = this.#budget;
    const shardIds = held.map(({ shardId }) => shardId).sort((a, b) => a - b);
    return { kind: remaining === 0 ? 'spent' : 'reserve', until: resetAt, shardIds };
  }

  /**
   * Moments that are past by now count too (time has passed since `#grantDue` looked): the timer then fires at once, where a
   * moment left out would be missed for ever.
   */
  #setTimer(): void {
    this.#timer?.cancel();
    const moments = [...this.#leases.values()].map(({ deadline }) => deadline);
    const taken = this.#takenKeys();
    for (const { shardId, purpose } of this.#waiting) {
      const lacksOnlyTime = !taken.has(this.#windows.keyOf(shardId)) && this.#canPay(purpose);
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
    // One that fires early finds nothing due yet, and is set again for the rest.
    const delayMs = Math.max(0, Math.ceil(Math.min(...moments) - now));
    this.#timer = this.#clock.setTimeout(() => this.#pump(), delayMs);
  }

  #takenKeys(): Set<number> {
    return new Set([...this.#leases.values()].map(({ shardId }) => this.#windows.keyOf(shardId)));
  }

  /** Leases that are out count as spent: each may turn out to have been used. */
  #canPay(purpose: IdentifyPurpose): boolean {
    return this.#budget.left(purpose) > this.#leases.size;
  }

  #save(): void {
    this.#store.save({
      total: this.#budget.total,
      remaining: this.#budget.remaining,
      resetAt: this.#budget.resetAt,
      maxConcurrency: this.#windows.maxConcurrency,
      usedAt: this.#windows.store(),
      leasedShardIds: [...this.#leases.values()].map(({ shardId }) => shardId),
    });
  }

  #inOrder(): Waiting[] {
    const rank = ({ shardId }: Waiting): number => this.#grantedAs.get(shardId) ?? -1;
    return [...this.#waiting].sort(
      (a, b) =>
        Number(a.purpose === 'restart') - Number(b.purpose === 'restart') ||
        rank(a) - rank(b) ||
        a.shardId - b.shardId ||
        a.arrival - b.arrival,
    );
  }
}

import type { InteractionEntry, Latency, MessageEntry, Tally } from './accountEntries.js';

const LATENCIES_KEPT = 20_000;

type Outcome = 'once' | 'twice' | 'failed' | 'pending';

/** Counts what became of commands or mentions. Percentiles are of the last 20 000 to 40 000 latencies. */
export class TallySheet {
  #sent = 0;
  #delivered = 0;
  readonly #outcomes: Record<Outcome, number> = { once: 0, twice: 0, failed: 0, pending: 0 };
  #latencies: number[] = [];

  clone(): TallySheet {
    const copy = new TallySheet();
    copy.#sent = this.#sent;
    copy.#delivered = this.#delivered;
    Object.assign(copy.#outcomes, this.#outcomes);
    copy.#latencies = [...this.#latencies];
    return copy;
  }

  addInteraction(entry: InteractionEntry): void {
    const outcome: Outcome =
      entry.state === 'failed'
        ? 'failed'
        : entry.state !== 'answered'
          ? 'pending'
          : entry.doubleAcknowledgements > 0
            ? 'twice'
            : 'once';
    this.#add(outcome, entry.deliveries.length > 0, entry.createdAt, entry.answeredAt);
  }

  addMention(entry: MessageEntry, now: number, deadlineMs: number): void {
    const late = now - entry.createdAt > deadlineMs;
    const outcome: Outcome =
      entry.replies.length > 1 ? 'twice' : entry.replies.length === 1 ? 'once' : late ? 'failed' : 'pending';
    this.#add(outcome, entry.deliveries.length > 0, entry.createdAt, entry.replies[0]?.at ?? null);
  }

  #add(outcome: Outcome, delivered: boolean, createdAt: number, answeredAt: number | null): void {
    this.#sent++;
    if (delivered) this.#delivered++;
    this.#outcomes[outcome]++;
    if (answeredAt === null) return;
    this.#latencies.push(answeredAt - createdAt);
    if (this.#latencies.length > 2 * LATENCIES_KEPT) this.#latencies = this.#latencies.slice(-LATENCIES_KEPT);
  }

  total(): Tally {
    const { once, twice, failed, pending } = this.#outcomes;
    return {
      sent: this.#sent,
      delivered: this.#delivered,
      answered: once + twice,
      answeredOnce: once,
      answeredTwice: twice,
      failed,
      pending,
      latencyMs: percentiles(this.#latencies),
    };
  }
}

function percentiles(values: readonly number[]): Latency {
  if (values.length === 0) return { p50: null, p99: null, max: null };
  const sorted = Float64Array.from(values).sort();
  const at = (part: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(2));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

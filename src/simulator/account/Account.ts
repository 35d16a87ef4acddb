import type {
  ConnectionEntry,
  IdentifyEntry,
  InteractionEntry,
  MessageEntry,
  Ownership,
  RestCounts,
  ResumeEntry,
  Summary,
  Violation,
  ViolationKind,
} from './accountEntries.js';
import { now } from './now.js';
import { TallySheet } from './TallySheet.js';

/** The lists keep this many of their latest entries, so that a simulator can run for weeks. */
const LOG_KEPT = 50_000;

/**
 * Everything that happened in the local Discord, for tests to assert on: what users sent and what became of it, who was
 * connected when, every IDENTIFY and RESUME, every breach of the rules.
 *
 * Entries are live: they change as things go on. The account keeps the last `accountLimit` settled interactions and messages
 * whole. Older ones only count in the summary.
 */
export class Account {
  readonly connections: ConnectionEntry[] = [];
  readonly identifies: IdentifyEntry[] = [];
  readonly resumes: ResumeEntry[] = [];
  readonly ownerships: Ownership[] = [];
  readonly violations: Violation[] = [];
  readonly rest: RestCounts = {
    requests: 0,
    invalid: 0,
    rateLimited: 0,
    globallyRateLimited: 0,
    byStatus: {},
    byRoute: {},
  };
  readonly #interactions = new Map<string, InteractionEntry>();
  readonly #messages = new Map<string, MessageEntry>();
  readonly #retiredCommands = new TallySheet();
  readonly #retiredMentions = new TallySheet();
  #plainMessages = 0;

  constructor(
    private readonly options: { accountLimit: number; interactionDeadlineMs: number },
    private readonly sessionStartsRemaining: () => number,
  ) {}

  get interactions(): InteractionEntry[] {
    return [...this.#interactions.values()];
  }

  get messages(): MessageEntry[] {
    return [...this.#messages.values()];
  }

  findInteraction(id: string): InteractionEntry | undefined {
    return this.#interactions.get(id);
  }

  findMessage(id: string): MessageEntry | undefined {
    return this.#messages.get(id);
  }

  /** Everything about one shard. Without `shardCount` that is the shard of that id of any count. */
  shard(shardId: number, shardCount?: number) {
    const matches = (entry: { shardId: number | null; shardCount: number | null }) =>
      entry.shardId === shardId && (shardCount === undefined || entry.shardCount === shardCount);
    return {
      connections: this.connections.filter(matches),
      identifies: this.identifies.filter(matches),
      resumes: this.resumes.filter(matches),
      ownerships: this.ownerships.filter(matches),
    };
  }

  /** Connections that have a session of the shard at that time. Default: now. */
  owners(shardId: number, shardCount: number, at = now()): Ownership[] {
    return this.ownerships.filter(
      (own) =>
        own.shardId === shardId && own.shardCount === shardCount && own.from <= at && (own.to === null || own.to > at),
    );
  }

  /** Every pair of connections that had a session of the same shard `[id, count]` at the same time. There should be none. */
  overlaps(): [Ownership, Ownership][] {
    const byShard = groupBy(this.ownerships, (own) => `${own.shardId}/${own.shardCount}`);
    const pairs: [Ownership, Ownership][] = [];
    for (const owns of byShard.values()) {
      // They are sorted by `from`, so only those that are open when the next one starts can overlap it.
      let open: Ownership[] = [];
      for (const own of owns) {
        open = open.filter((other) => other.to === null || other.to > own.from);
        for (const other of open) pairs.push([other, own]);
        open.push(own);
      }
    }
    return pairs;
  }

  summary(): Summary {
    const commands = this.#retiredCommands.clone();
    for (const entry of this.#interactions.values()) commands.addInteraction(entry);
    const mentions = this.#retiredMentions.clone();
    let messages = this.#plainMessages;
    for (const entry of this.#messages.values()) {
      messages++;
      if (entry.mentionsBot) mentions.addMention(entry, now(), this.options.interactionDeadlineMs);
    }
    const violationsByKind: Partial<Record<ViolationKind, number>> = {};
    for (const { kind } of this.violations) violationsByKind[kind] = (violationsByKind[kind] ?? 0) + 1;
    const resumed = this.resumes.filter((resume) => resume.ok);
    return {
      commands: commands.total(),
      mentions: mentions.total(),
      messages,
      identifies: this.identifies.filter((identify) => identify.accepted).length,
      identifiesRefused: this.identifies.filter((identify) => !identify.accepted).length,
      resumes: resumed.length,
      resumesRefused: this.resumes.length - resumed.length,
      eventsReplayed: resumed.reduce((sum, resume) => sum + resume.replayed, 0),
      takeovers: resumed.filter((resume) => resume.tookOver).length,
      overlaps: this.overlaps().length,
      connectionsOpen: this.connections.filter((connection) => connection.closedAt === null).length,
      connectionsTotal: this.connections.length,
      violations: this.violations.length,
      violationsByKind,
      sessionStartsRemaining: this.sessionStartsRemaining(),
      rest: this.rest,
    };
  }

  toJSON() {
    return {
      summary: this.summary(),
      interactions: this.interactions,
      messages: this.messages,
      connections: this.connections,
      identifies: this.identifies,
      resumes: this.resumes,
      ownerships: this.ownerships,
      violations: this.violations,
    };
  }

  // The simulator itself writes with the methods below.

  addInteraction(entry: InteractionEntry): void {
    this.#interactions.set(entry.id, entry);
    this.#retire(
      this.#interactions,
      (oldest) => oldest.state !== 'waiting',
      (oldest) => this.#retiredCommands.addInteraction(oldest),
    );
  }

  addMessage(entry: MessageEntry): void {
    this.#messages.set(entry.id, entry);
    const deadline = this.options.interactionDeadlineMs;
    this.#retire(
      this.#messages,
      (oldest) => !oldest.mentionsBot || oldest.replies.length > 0 || now() - oldest.createdAt > deadline,
      (oldest) => {
        if (oldest.mentionsBot) this.#retiredMentions.addMention(oldest, now(), deadline);
        this.#plainMessages++;
      },
    );
  }

  #retire<T>(entries: Map<string, T>, isSettled: (entry: T) => boolean, fold: (entry: T) => void): void {
    for (const [id, oldest] of entries) {
      if (entries.size <= this.options.accountLimit || !isSettled(oldest)) return;
      fold(oldest);
      entries.delete(id);
    }
  }

  /** Appends to one of the lists, and forgets the oldest entries of a long one. */
  log<T>(list: T[], entry: T): T {
    list.push(entry);
    if (list.length > LOG_KEPT * 1.1) list.splice(0, list.length - LOG_KEPT);
    return entry;
  }

  violation(kind: ViolationKind, detail: string, where: { shardId?: number; connectionId?: string } = {}): void {
    this.log(this.violations, { shardId: null, connectionId: null, ...where, at: now(), kind, detail });
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

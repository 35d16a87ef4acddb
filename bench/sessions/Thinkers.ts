import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageEntry, SentMessage, Simulator } from 'kallisti/simulator';
import type { LostSession, Thoughts } from './discordMethods.js';

const TICK_MS = 10;
/** As the traffic of the local Discord: after a longer stall of the machine, users make up for this much only. */
const MAX_BACKLOG_MS = 250;
/** With nothing answered for this long, what is unanswered is lost. A process may drain for ten seconds before another does its work. */
const QUIET_MS = 15_000;
/** From the last answer until nobody expects a second one. */
const SECOND_ANSWER_MS = 1_500;

/** Users who write `!think` in every guild in turn: that is for a listener of the bot's own, which replies later. */
export class Thinkers {
  readonly #simulator: Simulator;
  #sent: SentMessage[] = [];
  #timer: NodeJS.Timeout | undefined;
  #next = 0;

  public constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  public start(perSecond: number): void {
    this.#sent = [];
    let due = 0;
    let last = performance.now();
    this.#timer = setInterval(() => {
      const at = performance.now();
      due += (Math.min(at - last, MAX_BACKLOG_MS) * perSecond) / 1_000;
      last = at;
      for (; due >= 1; due--) this.#ask();
    }, TICK_MS);
  }

  /** Resolves when every message is answered, or nothing has been for a while. */
  public async stop(lostSessions: readonly LostSession[]): Promise<Thoughts> {
    clearInterval(this.#timer);
    let open = this.#unanswered.length;
    for (let changedAt = performance.now(); open > 0 && performance.now() - changedAt < QUIET_MS; await sleep(50)) {
      const { length } = this.#unanswered;
      if (length !== open) changedAt = performance.now();
      open = length;
    }
    await sleep(SECOND_ANSWER_MS);
    const entries = this.#sent.map(({ entry }) => entry);
    const fates = this.#unanswered.map(({ entry }) => this.#fateOf(entry, lostSessions));
    return {
      asked: entries.length,
      lost: fates.filter(({ isLost }) => isLost).length,
      neverBegun: fates.filter(({ isLost }) => !isLost).length,
      twice: entries.filter(({ replies }) => replies.length > 1).length,
      longestWaitMs: Math.max(
        0,
        ...entries.map(({ createdAt, replies: [first] }) => (first?.at ?? createdAt) - createdAt),
      ),
      lostBeforeKillMs: fates.flatMap(({ beforeKillMs }) => beforeKillMs ?? []),
    };
  }

  get #unanswered(): readonly SentMessage[] {
    return this.#sent.filter(({ entry }) => entry.replies.length === 0);
  }

  /** Of a message without an answer. Work that no process could begin is not lost: Discord had ended the session. */
  #fateOf(
    { deliveries, guildId }: MessageEntry,
    lostSessions: readonly LostSession[],
  ): { readonly isLost: boolean; readonly beforeKillMs?: number } {
    const { account, options } = this.#simulator;
    const session = lostSessions.find(({ shardId }) =>
      this.#simulator.guildIdsOfShard(shardId, options.shardCount).includes(guildId ?? ''),
    );
    if (session === undefined) return { isLost: true };
    const { killedAt } = session;
    const since = [...account.identifies, ...account.resumes]
      .filter((entry) => entry.at >= killedAt && ('ok' in entry ? entry.ok : entry.accepted))
      .map(({ connectionId }) => connectionId);
    const begun = deliveries.filter(({ connectionId }) => connectionId !== null);
    if (begun.some(({ connectionId }) => since.includes(connectionId ?? ''))) return { isLost: true };
    const [before] = begun.filter(({ at }) => at <= killedAt);
    return before === undefined ? { isLost: false } : { isLost: true, beforeKillMs: killedAt - before.at };
  }

  #ask(): void {
    const { guildIds } = this.#simulator;
    const number = this.#next++;
    const guildId = guildIds[number % guildIds.length] ?? '';
    this.#sent.push(this.#simulator.sendMessage({ guildId, content: `!think ${number}` }));
  }
}

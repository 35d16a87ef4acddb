import type { HistorySample, LiveStatus, StatusHistory } from '../../core/contracts/AdminApi.js';
import type { Logger } from '../../core/log/logger.js';
import { IntervalService } from '../../core/services/IntervalService.js';

const STEP_MS = 10_000;
const HOUR_MS = 60 * 60_000;
const CAPACITY = HOUR_MS / STEP_MS;

interface Counted {
  readonly pid: number | null;
  readonly events: number;
  readonly commands: number;
}

/** Takes a sample of the bot every ten seconds, and keeps those of the last hour. */
export class HistoryRecorder extends IntervalService {
  readonly #samples: HistorySample[] = [];
  #counted = new Map<number, Counted>();
  #countedAt: number | undefined;

  public constructor(
    private readonly collect: () => Promise<LiveStatus>,
    private readonly onSample: (sample: HistorySample) => void,
    logger: Logger,
  ) {
    super({ intervalMs: STEP_MS, immediate: true }, logger);
  }

  public read(): StatusHistory {
    const column = <Field extends keyof HistorySample>(field: Field): HistorySample[Field][] =>
      this.#samples.map((sample) => sample[field]);
    return {
      stepMs: STEP_MS,
      at: column('at'),
      guilds: column('guilds'),
      shardsReady: column('shardsReady'),
      eventsPerSecond: column('eventsPerSecond'),
      commandsPerSecond: column('commandsPerSecond'),
      commandP50Ms: column('commandP50Ms'),
      commandP99Ms: column('commandP99Ms'),
      shardLatencyMs: column('shardLatencyMs'),
      rssBytes: column('rssBytes'),
    };
  }

  /** Takes one sample now. */
  public add(status: LiveStatus): HistorySample {
    const sample = { ...this.#rates(status), ...numbersOf(status) };
    this.#samples.push(sample);
    if (this.#samples.length > CAPACITY) this.#samples.shift();
    return sample;
  }

  protected override async execute(): Promise<void> {
    this.onSample(this.add(await this.collect()));
  }

  /** Over the whole time since the last sample. A new process of a cluster counts from zero. */
  #rates({ at, clusters }: LiveStatus): Pick<HistorySample, 'eventsPerSecond' | 'commandsPerSecond'> {
    const passedMs = this.#countedAt === undefined ? Number.POSITIVE_INFINITY : Math.max(1, at - this.#countedAt);
    const counted = new Map<number, Counted>();
    const grown = { events: 0, commands: 0 };
    for (const { clusterId, pid, events, commands } of clusters) {
      const before = this.#counted.get(clusterId);
      if (events === null || commands === null) {
        if (before !== undefined) counted.set(clusterId, before);
        continue;
      }
      counted.set(clusterId, { pid, events, commands });
      const same = before?.pid === pid;
      grown.events += events - (same ? before.events : 0);
      grown.commands += commands - (same ? before.commands : 0);
    }
    this.#counted = counted;
    this.#countedAt = at;
    const rate = (count: number): number => Math.round((count * 10_000) / passedMs) / 10;
    return { eventsPerSecond: rate(grown.events), commandsPerSecond: rate(grown.commands) };
  }
}

function numbersOf({ at, totals }: LiveStatus): Omit<HistorySample, 'eventsPerSecond' | 'commandsPerSecond'> {
  return {
    at,
    guilds: totals.guilds,
    shardsReady: totals.shardsReady,
    commandP50Ms: totals.commandLatencyMs?.p50 ?? null,
    commandP99Ms: totals.commandLatencyMs?.p99 ?? null,
    shardLatencyMs: totals.shardLatencyMs,
    rssBytes: totals.rssBytes,
  };
}

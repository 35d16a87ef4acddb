import { setTimeout as sleep } from 'node:timers/promises';
import type { TrafficOptions } from 'kallisti/simulator';
import { BotProcess } from './BotProcess.js';
import { Discord } from './Discord.js';
import type { DiscordStart, Outcome } from './discordMethods.js';
import { until } from './until.js';

export interface FleetSize {
  readonly discord: DiscordStart;
  readonly clusterCount: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly entry?: string;
}

/** What one span of time has cost: users, and Discord. */
export interface Cost extends Outcome {
  readonly identifies: number;
  readonly overlaps: number;
}

/** A bot that is ready, and the local Discord that it runs against. */
export class Fleet {
  private constructor(
    public readonly discord: Discord,
    public readonly bot: BotProcess,
    private readonly size: FleetSize,
  ) {}

  public static async start(size: FleetSize): Promise<Fleet> {
    const discord = await Discord.start(size.discord);
    const bot = new BotProcess(discord, { CLUSTER_COUNT: String(size.clusterCount), ...size.env }, size.entry);
    const fleet = new Fleet(discord, bot, size);
    try {
      bot.start();
      await bot.untilReady();
      return fleet;
    } catch (error) {
      await fleet.dispose();
      throw error;
    }
  }

  public shardsOf(clusterId: number): readonly number[] {
    const each = this.size.discord.shardCount / this.size.clusterCount;
    return Array.from({ length: each }, (_, index) => clusterId * each + index);
  }

  public get clusterIds(): readonly number[] {
    return Array.from({ length: this.size.clusterCount }, (_, clusterId) => clusterId);
  }

  public get allShards(): readonly number[] {
    return Array.from({ length: this.size.discord.shardCount }, (_, shardId) => shardId);
  }

  /** What `act` costs under load. The load begins a while before it, and ends a while after. */
  public async underLoad(load: TrafficOptions, act: () => Promise<void>): Promise<Cost> {
    const { ask } = this.discord;
    const before = await ask.summary();
    const startedAt = Date.now();
    await ask.setTraffic(load);
    await sleep(2_000);
    await act();
    await sleep(1_000);
    const after = await ask.settle();
    return {
      ...(await ask.outcomeSince(startedAt)),
      identifies: after.identifies - before.identifies,
      overlaps: after.overlaps - before.overlaps,
    };
  }

  /** SIGKILL. Resolves when the cluster is back. @returns how long each of its shards had nobody to answer, the longest. */
  public async crash(clusterId: number): Promise<number> {
    const { bot } = this;
    const victim = bot.clusterPid(clusterId);
    const at = Date.now();
    process.kill(victim, 'SIGKILL');
    const servedAt = await this.untilServed(this.shardsOf(clusterId), at);
    await until(() => bot.clusterPid(clusterId) !== victim);
    return servedAt - at;
  }

  /** Resolves when a spare process waits, as it does most of the time. */
  public async untilSpareWaits(): Promise<void> {
    const count = (pattern: RegExp): number => this.bot.lines.filter(({ msg }) => pattern.test(msg)).length;
    await until(() => count(/^spare cluster .* waits$/) > count(/ goes on in the spare process$/));
  }

  /** @returns when the last of these shards answered its first command over a connection that it resumed since. */
  public async untilServed(shardIds: readonly number[], since: number): Promise<number> {
    let servedAt = 0;
    await until(async () => {
      const answers = await this.discord.ask.firstAnswersSince(since, shardIds);
      servedAt = Math.max(...answers.map((at) => at ?? Number.POSITIVE_INFINITY));
      return Number.isFinite(servedAt);
    });
    return servedAt;
  }

  public async dispose(): Promise<void> {
    await this.bot.dispose();
    await this.discord.stop();
  }
}

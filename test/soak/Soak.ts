import type { InteractionEntry, MessageEntry, Simulator } from '../../src/simulator/index.js';
import type { Bot } from '../e2e/Bot.js';
import { tooLate } from '../e2e/users.js';
import { until } from '../support/processes.js';
import type { Random } from './Random.js';

export const SHARDS = 8;
export const CLUSTERS = 4;
const CLUSTER_IDS = Array.from({ length: CLUSTERS }, (_, id) => id);
const SHARD_IDS = Array.from({ length: SHARDS }, (_, id) => id);

const LOAD = {
  commandsPerSecond: 20,
  mentionsPerSecond: 5,
  messagesPerSecond: 60,
  // The last one is answered by a listener of the bot's own.
  commands: [{ name: 'ping' }, { name: 'ping' }, { name: 'wait', options: { ms: 1_500 } }, { name: 'apple' }],
};
/** Messages that a listener of the bot's own answers. */
const THOUGHTS_PER_SECOND = 10;

/** A bot under load against a local Discord, and what a test can do to both. It notes what the account must allow for. */
export class Soak {
  /** When processes were killed, in milliseconds since 1970. What ran then may be answered twice. */
  public readonly kills: number[] = [];
  /** How many IDENTIFYs there must be. */
  public identifies = SHARDS;
  /** How many more there may be, of shards whose session could not be kept on disk. */
  public spareIdentifies = 0;
  /** Commands that hang their process on purpose. Nobody need answer them. */
  public readonly hanging = new Set<string>();
  /** Those messages. */
  public readonly thoughts: MessageEntry[] = [];
  #thinking: NodeJS.Timeout | undefined;
  readonly #killsOf = new Map<number, number>();

  public constructor(
    public readonly discord: Simulator,
    public readonly bot: Bot,
    public readonly random: Random,
  ) {}

  public async begin(): Promise<void> {
    this.bot.start();
    await this.bot.untilReady();
    this.resumeLoad();
  }

  public resumeLoad(): void {
    this.discord.traffic.start(LOAD);
    this.#thinking ??= setInterval(() => {
      const { guildIds } = this.discord;
      const guildId = guildIds[this.thoughts.length % guildIds.length] ?? '';
      this.thoughts.push(this.discord.sendMessage({ guildId, content: `!think ${this.thoughts.length}` }).entry);
    }, 1_000 / THOUGHTS_PER_SECOND);
  }

  /** Users ask for nothing any more. */
  public pauseLoad(): void {
    this.discord.traffic.stop();
    clearInterval(this.#thinking);
    this.#thinking = undefined;
  }

  /** Stops the load and waits for all answers. A session that is lost then takes nothing with it. */
  public async quiet(): Promise<void> {
    this.pauseLoad();
    await until(() => this.unanswered().length === 0);
  }

  /** Commands, mentions and thoughts that wait for their answer. */
  public unanswered(): readonly (InteractionEntry | MessageEntry)[] {
    const { interactions, messages } = this.discord.account;
    const excused = this.excused();
    return [
      ...interactions.filter(({ id, state }) => state !== 'answered' && state !== 'failed' && !excused.has(id)),
      ...messages.filter(({ mentionsBot, replies }) => mentionsBot && replies.length === 0),
      ...this.thoughts.filter(({ replies }) => replies.length === 0),
    ];
  }

  /** Commands that nobody need answer: they hang on purpose, or were begun and the real Discord would take no answer any more. */
  public excused(): ReadonlySet<string> {
    return new Set([...this.hanging, ...tooLate(this.bot)]);
  }

  public someShard(): number {
    return this.random.pick(SHARD_IDS);
  }

  public someCluster(): number {
    return this.random.pick(CLUSTER_IDS);
  }

  /** Chooses from the clusters that were killed least, because each crash in five minutes makes the next pause longer. */
  public victims(count: 1 | 2): readonly number[] {
    const least = [...CLUSTER_IDS].sort((left, right) => this.#killed(left) - this.#killed(right)).slice(0, count + 1);
    return count === 1 ? [this.random.pick(least)] : this.random.pair(least);
  }

  /** A process is stopped, hangs or is killed now or soon. What runs in it then may be answered twice. */
  public noteKill(): void {
    this.kills.push(Date.now());
  }

  /** Runs a command that blocks the event loop of its cluster. */
  public hang(shardId: number, ms: number): void {
    const command = { name: 'block', options: { ms }, guildId: this.#guildOn(shardId) };
    this.hanging.add(this.discord.runCommand(command).entry.id);
  }

  /** Sends SIGKILL to all of them at once. */
  public kill(clusterIds: readonly number[]): void {
    const pids = this.bot.clusterPids();
    for (const id of clusterIds) {
      this.#killsOf.set(id, this.#killed(id) + 1);
      this.kills.push(Date.now());
      process.kill(pids.get(id) ?? 0, 'SIGKILL');
    }
  }

  public async killAndWait(clusterIds: readonly number[]): Promise<void> {
    const before = this.bot.clusterPids();
    this.kill(clusterIds);
    await until(() => clusterIds.every((id) => this.bot.clusterPids().get(id) !== before.get(id)));
  }

  /**
   * The owner runs the restart command.
   * @returns the last text that the owner sees.
   */
  public async restart(cluster?: number): Promise<string> {
    const { entry } = this.askForRestart(cluster);
    const last = (): string => entry.responses.findLast(({ content }) => content !== null)?.content ?? '';
    await until(() => /^Restarted|^Restart stopped|^Restart called off/.test(last()));
    return last();
  }

  public askForRestart(cluster?: number) {
    return this.discord.runCommand({
      name: 'restart',
      options: cluster === undefined ? {} : { cluster },
      guildId: this.#guildOn(this.someShard()),
      userId: this.discord.ownerId,
    });
  }

  /** Stops the bot as a deploy does. */
  public async stop(): Promise<void> {
    this.bot.signal('SIGTERM');
    const { code } = await this.bot.ended();
    if (code !== 0) throw new Error(`the bot ended with code ${code}`);
    const left = this.bot.processes();
    if (left.length > 0) throw new Error(`processes are left after a stop: ${left.join(', ')}`);
  }

  public async start(): Promise<void> {
    const from = this.bot.lines.length;
    this.bot.start();
    await this.bot.untilLogged(/^ready: all/, from);
  }

  /** Acts, and waits until the shard has another connection. */
  public async reconnected(shardId: number, act: () => void): Promise<void> {
    const connections = (): number =>
      this.discord.account.shard(shardId).connections.filter(({ sessionId }) => sessionId !== null).length;
    const before = connections();
    act();
    await until(() => connections() > before);
  }

  public async expectAllServed(): Promise<void> {
    await Promise.all(
      SHARD_IDS.map(async (shardId) => {
        const { content } = await this.discord.runCommand({ name: 'ping', guildId: this.#guildOn(shardId) }).answered;
        if (!content.includes(`shard ${shardId}`)) throw new Error(`shard ${shardId} answered: ${content}`);
      }),
    );
  }

  #killed(clusterId: number): number {
    return this.#killsOf.get(clusterId) ?? 0;
  }

  #guildOn(shardId: number): string {
    return this.discord.guildIdsOfShard(shardId, SHARDS)[0] ?? '';
  }
}

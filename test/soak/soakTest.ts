import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { Bot } from '../e2e/Bot.js';
import { until } from '../support/processes.js';
import { imbalances } from './balance.js';
import { Random } from './Random.js';
import { CLUSTERS, SHARDS, Soak } from './Soak.js';

/** Nothing fails because the machine is busy: what is lost is never answered. */
const DEADLINE_MS = 24 * 60 * 60 * 1000;
const IDENTIFY_INTERVAL_MS = 200;

export interface SoakPlan {
  readonly seed: number;
  readonly durationMs: number;
  /** How long a round, a start or a stop may take. */
  readonly limitMs: number;
  /** How long the bot may take to answer all that is left in the end. */
  readonly settleLimitMs: number;
  /** Default: that of the Vitest configuration. */
  readonly timeoutMs?: number;
  /** The command that repeats the run. */
  readonly repeat: string;
  readonly discord: SimulatorOptions;
  readonly settings: Readonly<Record<string, string>>;
  /** @returns environment variables for the bot's processes. */
  environment?(bot: Bot): Readonly<Record<string, string>>;
  round(soak: Soak, say: (line: string) => void): Promise<void>;
}

/** A bot under load lives through round after round. Then the account must balance, and nothing may be left. */
export function soakTest(title: string, plan: SoakPlan): void {
  const { seed, limitMs } = plan;
  const discord = new Simulator({
    ...{ guildCount: 64, shardCount: SHARDS, identifyIntervalMs: IDENTIFY_INTERVAL_MS },
    ...{ interactionDeadlineMs: DEADLINE_MS, accountLimit: 10_000_000, seed },
    ...plan.discord,
  });
  let bot: Bot | undefined;
  let soak: Soak | undefined;

  afterEach(async () => {
    soak?.pauseLoad();
    await bot?.dispose();
    await discord.stop();
  });

  it(title, plan.timeoutMs === undefined ? {} : { timeout: plan.timeoutMs }, async () => {
    await discord.start();
    const settings = { CLUSTER_COUNT: String(CLUSTERS), IDENTIFY_INTERVAL: `${IDENTIFY_INTERVAL_MS}ms` };
    bot = Bot.misbehaving(discord, { ...settings, ...plan.settings });
    bot.setEnvironment({ ...plan.environment?.(bot) });
    const run = new Soak(discord, bot, new Random(seed));
    soak = run;
    const done: string[] = [];
    const startedAt = performance.now();
    const say = (line: string): void => {
      done.push(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
      process.stdout.write(`${done.at(-1)}\n`);
    };
    try {
      say(plan.repeat);
      await within(limitMs, run.begin());
      while (performance.now() - startedAt < plan.durationMs) {
        const roundAt = performance.now();
        await within(limitMs, plan.round(run, say));
        await within(limitMs, run.expectAllServed());
        say(`  all served after ${Math.round(performance.now() - roundAt)} ms`);
        expect(imbalances(run, false)).toEqual([]);
      }
      discord.faults.clear();
      await within(plan.settleLimitMs, run.quiet()).catch((error: unknown) => say(String(error)));
      expect(imbalances(run, true)).toEqual([]);
      await within(limitMs, run.stop());
      say(JSON.stringify({ ...discord.account.summary(), rest: undefined }));
      const left = ['master.lock', 'admin.json', 'ipc/master.sock'];
      expect(left.filter((name) => existsSync(join(run.bot.dataDir, name)))).toEqual([]);
      await until(() => discord.account.summary().connectionsOpen === 0);
    } catch (error) {
      const log = bot.lines.slice(-80).map((line) => JSON.stringify(line));
      process.stdout.write(`\n${plan.repeat}\n${done.join('\n')}\n\n${log.join('\n')}\n`);
      process.stdout.write(`unanswered: ${JSON.stringify(run.unanswered().slice(0, 3), null, 1)}\n`);
      process.stdout.write(`${bot.stderr.slice(-4_000)}\n`);
      throw error;
    }
  });
}

/** Throws an Error if the promise is not settled in time. */
async function within<Value>(limitMs: number, promise: Promise<Value>): Promise<Value> {
  const timer = new AbortController();
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`it did not end within ${limitMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    // Nobody waits for its rejection any more.
    late.catch(() => undefined);
  }
}

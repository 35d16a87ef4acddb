import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { Bot } from '../e2e/Bot.js';
import { fixture } from '../support/runScript.js';
import { imbalances } from './balance.js';
import { Random } from './Random.js';
import { CLUSTERS, SHARDS, Soak } from './Soak.js';
import { STEPS, type Step } from './steps.js';
import { within } from './within.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Longer than the longest pause before a crashed cluster is started again. */
const STEP_LIMIT_MS = 150_000;
const SETTLE_LIMIT_MS = 60_000;
/** What is lost is never answered; nothing fails because the machine is busy. */
const DEADLINE_MS = 24 * 60 * 60 * 1000;
const IDENTIFY_INTERVAL_MS = 200;

const discord = new Simulator({
  guildCount: 64,
  shardCount: SHARDS,
  identifyIntervalMs: IDENTIFY_INTERVAL_MS,
  interactionDeadlineMs: DEADLINE_MS,
  accountLimit: 10_000_000,
  seed: SEED,
});
let bot: Bot | undefined;

afterEach(async () => {
  await bot?.dispose();
  await discord.stop();
});

it(`loses nothing and breaks no rule for ${MINUTES} minutes, seed ${SEED}`, async () => {
  await discord.start();
  bot = Bot.for(
    discord,
    { CLUSTER_COUNT: String(CLUSTERS), IDENTIFY_INTERVAL: `${IDENTIFY_INTERVAL_MS}ms`, ADMIN_PORT: 'off' },
    fixture('bot/entrypoints/master.js'),
  );
  bot.setEnvironment({ TEST_MISBEHAVIOUR: bot.write('misbehaviour.json', '[]') });
  const random = new Random(SEED);
  const soak = new Soak(discord, bot, random);
  const done: string[] = [];
  const began = performance.now();
  const say = (line: string): void => {
    done.push(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
    process.stdout.write(`${done.at(-1)}\n`);
  };
  try {
    say(`seed ${SEED}`);
    await within(STEP_LIMIT_MS, soak.begin());
    while (performance.now() - began < MINUTES * 60_000) {
      await sleep(random.below(2_000));
      const step = pick(random, STEPS);
      say(step.name);
      const startedAt = performance.now();
      const details = await within(STEP_LIMIT_MS, step.run(soak));
      await within(STEP_LIMIT_MS, soak.expectAllServed());
      say(`  served after ${Math.round(performance.now() - startedAt)} ms  ${details}`);
      expect(imbalances(soak, false)).toEqual([]);
    }
    await within(SETTLE_LIMIT_MS, soak.quiet()).catch((error: unknown) => say(String(error)));
    expect(imbalances(soak, true)).toEqual([]);
    await soak.stop();
    const { commands, mentions, ...summary } = discord.account.summary();
    say(JSON.stringify({ commands, mentions, ...summary, rest: undefined }));
  } catch (error) {
    const log = bot.lines.slice(-60).map((line) => JSON.stringify(line));
    process.stdout.write(`\nSOAK_SEED=${SEED} SOAK_MINUTES=${MINUTES}\n${done.join('\n')}\n\n${log.join('\n')}\n`);
    process.stdout.write(`${bot.stderr.slice(-4_000)}\n`);
    throw error;
  }
});

function pick(random: Random, steps: readonly Step[]): Step {
  const tickets = steps.flatMap((step) => Array<Step>(step.weight).fill(step));
  return random.pick(tickets);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { Bot } from '../e2e/Bot.js';
import { until } from '../support/processes.js';
import { fixture } from '../support/runScript.js';
import { imbalances } from './balance.js';
import { BLOWS, type Blow, type Surroundings } from './blows.js';
import { Disk } from './Disk.js';
import { Random } from './Random.js';
import { CLUSTERS, SHARDS, Soak } from './Soak.js';
import { within } from './within.js';

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 30);
/** CI judges a change and not the luck of a seed. */
const DEFAULT_SEED = process.env.CI === undefined ? Math.floor(Math.random() * 2 ** 31) : 7;
const SEED = Number(process.env.CHAOS_SEED ?? DEFAULT_SEED);
/** Longer than the longest pause before a crashed cluster is started again. */
const ROUND_LIMIT_MS = 120_000;
/** What is lost is never answered; nothing fails because the machine is busy. */
const DEADLINE_MS = 24 * 60 * 60 * 1000;
const IDENTIFY_INTERVAL_MS = 200;
/** So many blows at most fall at once, within this time. */
const BLOWS_AT_ONCE = 3;
const WITHIN_MS = 1_500;

const discord = new Simulator({
  guildCount: 64,
  shardCount: SHARDS,
  identifyIntervalMs: IDENTIFY_INTERVAL_MS,
  interactionDeadlineMs: DEADLINE_MS,
  heartbeatIntervalMs: 10_000,
  accountLimit: 10_000_000,
  seed: SEED,
});
const disk = Disk.mount();
let bot: Bot | undefined;

afterEach(async () => {
  await bot?.dispose();
  await discord.stop();
  disk?.unmount();
});

it(`survives ${SECONDS} seconds of chaos, seed ${SEED}: nothing is lost, no rule is broken, nothing is left`, {
  timeout: SECONDS * 1_000 + 2 * ROUND_LIMIT_MS,
}, async () => {
  await discord.start();
  bot = Bot.for(
    discord,
    {
      ...{ CLUSTER_COUNT: String(CLUSTERS), IDENTIFY_INTERVAL: `${IDENTIFY_INTERVAL_MS}ms`, HUNG_AFTER: '4s' },
      ...(disk === undefined ? {} : { DATA_DIR: join(disk.path, 'data') }),
    },
    fixture('bot/entrypoints/master.js'),
  );
  const clockFile = bot.write('clock', '0');
  bot.setEnvironment({
    TEST_MISBEHAVIOUR: bot.write('misbehaviour.json', '[]'),
    TEST_CLOCK: clockFile,
    NODE_OPTIONS: `--import=${pathToFileURL(fixture('bot/clock.js')).href}`,
  });
  const random = new Random(SEED);
  const soak = new Soak(discord, bot, random);
  const around: Surroundings = { disk, clockFile };
  const done: string[] = [];
  const began = performance.now();
  const say = (line: string): void => {
    done.push(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
    process.stdout.write(`${done.at(-1)}\n`);
  };
  try {
    say(`chaos, seed ${SEED}: CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS} npm run test:chaos`);
    await within(ROUND_LIMIT_MS, soak.begin());
    while (performance.now() - began < SECONDS * 1_000) {
      const startedAt = performance.now();
      await within(ROUND_LIMIT_MS, round(soak, around, say));
      await within(ROUND_LIMIT_MS, soak.expectAllServed());
      say(`  all served after ${Math.round(performance.now() - startedAt)} ms`);
      expect(imbalances(soak, false)).toEqual([]);
    }
    discord.faults.clear();
    await within(ROUND_LIMIT_MS, soak.quiet()).catch((error: unknown) => say(String(error)));
    expect(imbalances(soak, true)).toEqual([]);
    await within(ROUND_LIMIT_MS, soak.stop());
    const { commands, mentions, ...summary } = discord.account.summary();
    say(JSON.stringify({ commands, mentions, ...summary, rest: undefined }));
    expect(
      ['master.lock', 'admin.json', 'ipc/master.sock'].filter((name) => existsSync(join(soak.bot.dataDir, name))),
    ).toEqual([]);
    await until(() => discord.account.summary().connectionsOpen === 0);
  } catch (error) {
    const log = bot.lines.slice(-80).map((line) => JSON.stringify(line));
    process.stdout.write(`\nCHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}\n${done.join('\n')}\n\n${log.join('\n')}\n`);
    process.stdout.write(`unanswered: ${JSON.stringify(soak.unanswered().slice(0, 3), null, 1)}\n`);
    process.stdout.write(`${bot.stderr.slice(-4_000)}\n`);
    throw error;
  }
});

/** Some blows that fall at about the same time; all that they are is chosen before the first falls. */
async function round(soak: Soak, around: Surroundings, say: (line: string) => void): Promise<void> {
  const { random } = soak;
  await sleep(random.below(1_000));
  const first = pick(random, BLOWS);
  const together = BLOWS.filter(({ alone }) => alone !== true);
  const others =
    first.alone === true ? [] : Array.from({ length: random.below(BLOWS_AT_ONCE) }, () => pick(random, together));
  // Two of a kind would be one, or two masters.
  const blows = [...new Set([first, ...others])].map((blow) => ({
    blow,
    afterMs: random.below(WITHIN_MS),
    ...blow.choose(soak, around),
  }));
  for (const { blow, details, afterMs } of blows) say(`${blow.name}  ${details}  (after ${afterMs} ms)`);
  await Promise.all(
    blows.map(async ({ run, afterMs }) => {
      await sleep(afterMs);
      await run();
    }),
  );
}

function pick(random: Random, blows: readonly Blow[]): Blow {
  return random.pick(blows.flatMap((blow) => Array<Blow>(blow.weight).fill(blow)));
}

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach } from 'vitest';
import { fixture } from '../support/runScript.js';
import { BLOWS, type Surroundings } from './blows.js';
import { Disk } from './Disk.js';
import type { Soak } from './Soak.js';
import { soakTest } from './soakTest.js';

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 30);
/** CI judges a change and not the luck of a seed. */
const DEFAULT_SEED = process.env.CI === undefined ? Math.floor(Math.random() * 2 ** 31) : 7;
const SEED = Number(process.env.CHAOS_SEED ?? DEFAULT_SEED);
/** Longer than the longest pause before a crashed cluster is started again. */
const ROUND_LIMIT_MS = 120_000;
/** So many blows at most fall at once, within this time. */
const BLOWS_AT_ONCE = 3;
const WITHIN_MS = 1_500;

const disk = Disk.mount();
let around: Surroundings;

// Hooks run in reverse order: this one after that of the bot, whose data is on the disk.
afterEach(() => disk?.unmount());

soakTest(`survives ${SECONDS} seconds of chaos, seed ${SEED}: nothing is lost, no rule is broken, nothing is left`, {
  seed: SEED,
  durationMs: SECONDS * 1_000,
  limitMs: ROUND_LIMIT_MS,
  settleLimitMs: ROUND_LIMIT_MS,
  timeoutMs: SECONDS * 1_000 + 2 * ROUND_LIMIT_MS,
  repeat: `CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS} npm run test:chaos`,
  discord: { heartbeatIntervalMs: 10_000 },
  settings: { HUNG_AFTER: '4s', ...(disk === undefined ? {} : { DATA_DIR: join(disk.path, 'data') }) },
  environment: (bot) => {
    const clockFile = bot.write('clock', '0');
    around = { disk, clockFile };
    return { TEST_CLOCK: clockFile, NODE_OPTIONS: `--import=${pathToFileURL(fixture('bot/clock.js')).href}` };
  },
  round,
});

/** Some blows fall at about the same time. All that they are is chosen before the first falls. */
async function round(soak: Soak, say: (line: string) => void): Promise<void> {
  const { random } = soak;
  await sleep(random.below(1_000));
  const first = random.weighted(BLOWS);
  const together = BLOWS.filter(({ alone }) => alone !== true);
  const others =
    first.alone === true ? [] : Array.from({ length: random.below(BLOWS_AT_ONCE) }, () => random.weighted(together));
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

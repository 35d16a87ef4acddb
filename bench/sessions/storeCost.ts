import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratios, spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { BotProcess } from './BotProcess.js';
import { Discord } from './Discord.js';

const ENTRY = fileURLToPath(new URL('programs/master.js', import.meta.url));
const SHARDS = 2;
/** Of both shards: a busy bot, and one of middling size. */
const RATES = [1_000, 200] as const;
/** In an answer that also says which cluster it is from. */
const MICROSECONDS = /\d{4,}/;

/** Two bots, each with a local Discord of its own; one has a file where the folder of its stores would be. */
export async function storeCost(quick: boolean, progress: (what: string) => void): Promise<readonly Row[]> {
  const bots = await Promise.all([true, false].map(startBot));
  const [stored, bare] = bots;
  if (stored === undefined || bare === undefined) throw new Error('no bot');
  try {
    const rows: Row[] = [];
    for (const perSecond of RATES) {
      const events = perSecond * 4;
      const measured = { stored: [] as number[], bare: [] as number[] };
      for (let run = 0; run <= (quick ? 2 : 12); run++) {
        progress(`the store's CPU at ${perSecond} events/s: run ${run}`);
        // Side by side, so that whatever else the machine does concerns both alike.
        const [storedMs, bareMs] = await Promise.all([stored, bare].map((bot) => cpuOf(bot, events, perSecond)));
        if (run === 0) continue;
        measured.stored.push(storedMs ?? Number.NaN);
        measured.bare.push(bareMs ?? Number.NaN);
      }
      rows.push({
        what: `store: CPU of a cluster at ${perSecond} events/s, ${events} of them`,
        unit: 'ms',
        ours: spread(measured.stored),
        reference: spread(measured.bare),
        ratio: ratios(measured.stored, measured.bare),
        target: { is: 'at most', value: 1.1, of: 'ratio' },
        note: 'nine of ten are messages; the reference is the same cluster where it cannot persist, side by side',
      });
    }
    return rows;
  } finally {
    await Promise.all(bots.map(({ bot, discord }) => bot.dispose().then(() => discord.stop())));
  }
}

interface MeasuredBot {
  readonly bot: BotProcess;
  readonly discord: Discord;
}

async function startBot(persistent: boolean): Promise<MeasuredBot> {
  const identifyIntervalMs = 200;
  const discord = await Discord.start({ guildCount: 256, shardCount: SHARDS, identifyIntervalMs });
  const env = { CLUSTER_COUNT: '1', IDENTIFY_INTERVAL: `${identifyIntervalMs}ms` };
  const bot = new BotProcess(discord, env, ENTRY);
  if (!persistent) writeFileSync(join(bot.dataDir, 'shards'), '');
  bot.start();
  await bot.untilReady();
  return { bot, discord };
}

/** @returns milliseconds that the cluster's process has computed for these events. */
async function cpuOf({ discord }: MeasuredBot, events: number, perSecond: number): Promise<number> {
  const read = async (): Promise<number> => {
    const text = await discord.ask.evaluate(0, '((used) => used.user + used.system)(process.cpuUsage())');
    return Number(MICROSECONDS.exec(text)?.[0]) / 1_000;
  };
  const before = await read();
  await discord.ask.sendMix(events, perSecond);
  return (await read()) - before;
}

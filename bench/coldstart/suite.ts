import { spread } from '../measure.js';
import type { Row, Suite } from '../Suite.js';
import { BotProcess } from '../sessions/BotProcess.js';
import { Discord } from '../sessions/Discord.js';

interface ColdStart {
  readonly maxConcurrency: number;
  readonly limitMs: number;
  readonly runs: number;
}

/** 16 shards on 4 clusters, from the master's start until every shard is ready, with Discord's own windows of five seconds. */
const CASES: readonly ColdStart[] = [
  { maxConcurrency: 16, limitMs: 2_000, runs: 3 },
  { maxConcurrency: 1, limitMs: 77_000, runs: 1 },
];

async function measure({ maxConcurrency, limitMs, runs }: ColdStart): Promise<readonly Row[]> {
  const times: number[] = [];
  let violations = 0;
  for (let run = 0; run < runs; run++) {
    const discord = await Discord.start({ guildCount: 256, shardCount: 16, maxConcurrency, identifyIntervalMs: 5_000 });
    const bot = new BotProcess(discord, { CLUSTER_COUNT: '4', ADMIN_PORT: '0' });
    const startedAt = performance.now();
    bot.start();
    await bot.untilReady();
    times.push(performance.now() - startedAt);
    violations += (await discord.ask.summary()).violations;
    await bot.dispose();
    await discord.stop();
  }
  const what = `16 shards, 4 clusters, max_concurrency ${maxConcurrency}`;
  return [
    {
      what: `${what}: all ready`,
      unit: 'ms',
      ours: spread(times),
      target: { is: 'at most', value: limitMs, of: 'ours' },
    },
    {
      what: `${what}: breaches of Discord's rules`,
      unit: '',
      ours: spread([violations]),
      target: { is: 'at most', value: 0, of: 'ours' },
    },
  ];
}

export const coldstart: Suite = {
  name: 'coldstart',
  about:
    "The whole bot without any session, from the start of the master's process until all shards are ready. With one login per five seconds 75 s is the limit.",
  async run(progress, { quick = false }) {
    const rows: Row[] = [];
    for (const entry of quick ? CASES.slice(0, 1) : CASES) {
      progress(`max_concurrency ${entry.maxConcurrency}`);
      rows.push(...(await measure(entry)));
    }
    return rows;
  },
};

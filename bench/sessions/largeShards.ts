import { fileURLToPath } from 'node:url';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { Fleet } from './Fleet.js';
import { one, row } from './rows.js';

const ENTRY = fileURLToPath(new URL('programs/master.js', import.meta.url));
const SHARDS = 2;
const GUILD = { channels: 40, roles: 30, members: 50, threads: 1, emojis: 5, presences: 5 };
const LOAD = { commandsPerSecond: 50, mentionsPerSecond: 5, messagesPerSecond: 450 };

/** Both shards in one cluster: the handover waits for the slower. */
export async function largeShards(quick: boolean, progress: (what: string) => void): Promise<readonly Row[]> {
  const guildsPerShard = quick ? 200 : 1_000;
  const title = `two shards of ${guildsPerShard} large guilds`;
  progress(`${title}: logging in`);
  const identifyIntervalMs = quick ? 200 : 5_000;
  const fleet = await Fleet.start({
    discord: { guildCount: SHARDS * guildsPerShard, shardCount: SHARDS, identifyIntervalMs, guildShape: GUILD },
    clusterCount: 1,
    env: { IDENTIFY_INTERVAL: `${identifyIntervalMs}ms`, SPAWN_TIMEOUT: '2m' },
    entry: ENTRY,
  });
  try {
    const from = fleet.bot.lines.length;
    const since = Date.now();
    const rounds = quick ? 1 : 5;
    const cost = await fleet.underLoad(LOAD, async () => {
      for (let round = 0; round < rounds; round++) {
        progress(`${title}: restart ${round + 1} of ${rounds}`);
        await fleet.discord.ask.restart();
      }
    });
    const pauses = (await fleet.discord.ask.passagesSince(since)).map(({ pauseMs }) => pauseMs);
    const lines = fleet.bot.lines.slice(from);
    const values = (what: string, field: string): number[] =>
      lines.filter(({ msg }) => msg === what).map((line) => Number(line[field]));
    progress(`${title}: kill -9`);
    let servedMs = 0;
    const crash = await fleet.underLoad(LOAD, async () => {
      await fleet.untilSpareWaits();
      servedMs = await fleet.crash(0);
    });
    return [
      row('restart: commands failed', '', one(cost.commandsFailed), 0),
      row('restart: commands and mentions answered twice', '', one(cost.commandsTwice + cost.mentionsTwice), 0),
      row('restart: IDENTIFYs', '', one(cost.identifies), 0),
      row('restart: pause of a shard', 'ms', spread(pauses), 300),
      row('restart: its cache filled after', 'ms', spread(values('filled', 'durationMs'))),
      row('restart: longest stall of its event loop meanwhile', 'ms', spread(values('filled', 'stallMs')), 50),
      row('restart: the same until it is ready', 'ms', spread(values('resumed', 'stallMs'))),
      row('kill -9: commands failed', '', one(crash.commandsFailed)),
      row('kill -9: IDENTIFYs', '', one(crash.identifies), 0),
      row('kill -9: served again after', 's', one(servedMs / 1_000)),
    ].map((line) => ({ ...line, what: `${title}, ${line.what}` }));
  } finally {
    await fleet.dispose();
  }
}

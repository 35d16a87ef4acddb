import { setTimeout as sleep } from 'node:timers/promises';
import { Simulator } from 'kallisti/simulator';
import { firstAnswersSince, outcomeSince, passagesSince } from '../accountQueries.js';
import type { DiscordMethods, DiscordStart, FromDiscord, ToDiscord } from '../discordMethods.js';
import { EventMix } from '../EventMix.js';
import { Thinkers } from '../Thinkers.js';

const options = JSON.parse(process.argv[2] ?? '{}') as DiscordStart;
// Every story is kept whole: the numbers are read off it.
const simulator = new Simulator({ ...options, accountLimit: 1_000_000 });
await simulator.start();
const { account, faults, traffic } = simulator;
const thinkers = new Thinkers(simulator);

function guildOf(shardId: number): string {
  return simulator.guildIdsOfShard(shardId, options.shardCount)[0] ?? '';
}

async function settle(): Promise<void> {
  traffic.stop();
  for (;;) {
    const { commands, mentions } = account.summary();
    if (commands.pending + mentions.pending === 0) return;
    await sleep(20);
  }
}

const methods: DiscordMethods = {
  setTraffic: (rates) => traffic.start(rates),
  settle: async () => {
    await settle();
    return account.summary();
  },
  summary: () => account.summary(),
  outcomeSince: (at, shardIds) => outcomeSince(account, at, shardIds),
  startThinkers: (perSecond) => thinkers.start(perSecond),
  stopThinkers: (lostSessions) => thinkers.stop(lostSessions),
  say: (shardId, content) => void simulator.sendMessage({ guildId: guildOf(shardId), content }),
  refuseResume: (shardIds) => {
    for (const shardId of shardIds) faults.refuseResume(shardId);
  },
  passagesSince: (at) => passagesSince(account, at),
  firstAnswersSince: (at, shardIds) => firstAnswersSince(account, at, shardIds),
  restart: async (cluster) => {
    const { entry } = simulator.runCommand({
      name: 'restart',
      options: cluster === undefined ? {} : { cluster },
      guildId: guildOf(options.shardCount - 1),
      userId: simulator.ownerId,
    });
    for (;;) {
      const text = entry.responses.findLast(({ content }) => content !== null)?.content ?? '';
      if (/^Restarted|^Restart stopped|^Restart called off/.test(text)) return text;
      if (entry.state === 'failed') throw new Error('nobody took the restart command');
      await sleep(20);
    }
  },
  evaluate: async (shardId, code) => {
    const request = { name: 'eval', options: { code }, guildId: guildOf(shardId), userId: simulator.ownerId };
    return (await simulator.runCommand(request).answered).content;
  },
  sendMix: async (count, perSecond) => {
    await new EventMix(simulator).send(count, perSecond);
    await settle();
  },
};

function tell(message: FromDiscord): void {
  process.send?.(message);
}

process.on('message', async ({ id, name, args }: ToDiscord) => {
  try {
    tell({ id, result: await Reflect.apply(methods[name], methods, args) });
  } catch (error) {
    tell({ id, error: String(error) });
  }
});
process.once('disconnect', () => void simulator.stop().then(() => process.exit(0)));
tell({ facts: { url: simulator.url, token: simulator.token } });

import { afterEach, beforeEach, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { Bot } from '../e2e/Bot.js';
import { Random } from '../soak/Random.js';
import { until } from '../support/processes.js';
import { Garbage, SEED } from './payloads.js';

const KINDS = [
  'GUILD_CREATE',
  'GUILD_UPDATE',
  'CHANNEL_CREATE',
  'CHANNEL_UPDATE',
  'GUILD_ROLE_CREATE',
  'THREAD_CREATE',
];
const PAYLOADS = 200;

let discord: Simulator;
let bot: Bot;
beforeEach(async () => {
  discord = new Simulator({ guildCount: 8, shardCount: 1, identifyIntervalMs: 100 });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '1', IDENTIFY_INTERVAL: '100ms', ADMIN_PORT: 'off' }).start();
  await bot.untilReady();
});
afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

it(`state that makes no sense, once it is in the store, keeps no cluster from starting (seed ${SEED})`, async () => {
  const garbage = new Garbage(new Random(SEED));
  for (let count = 0; count < PAYLOADS; count++) {
    const guild_id = garbage.random.pick(discord.guildIds);
    const right = {
      ...{ channels: [], roles: [], members: [], threads: [], emojis: [], name: 'x', type: 0, guild_id },
      ...{ role: { id: '1' }, voice_states: [], stage_instances: [], guild_scheduled_events: [], joined_at: null },
    };
    const t = garbage.random.pick(KINDS);
    const d = { ...garbage.mutated(right), id: t.startsWith('GUILD_') ? guild_id : '99' };
    discord.faults.sendGarbage(0, JSON.stringify({ op: 0, t, s: 10_000 + count, d }));
  }
  const victim = bot.clusterPids().get(0) ?? 0;
  // The cluster has written everything to its file by then.
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.kill(victim, 'SIGKILL');
  await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
  for (const guildId of discord.guildIds) await discord.runCommand({ name: 'ping', guildId }).answered;
  const failures = bot.lines.filter(({ msg }) => /^cluster 0 (did not start|exited|was killed)/.test(msg));
  expect(failures.length, JSON.stringify(failures, null, 1)).toBe(1);
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createGateway, GUILD_MESSAGES, GUILDS, startSimulator, until } from '../cluster/gateway/support.js';
import { Random } from '../soak/Random.js';
import { escaped } from './escaped.js';
import { Garbage, SEED } from './payloads.js';

const PAYLOADS = 4_000;
const BURST = 40;

it(`a gateway survives ${PAYLOADS} payloads that Discord never sends, and serves after each burst (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const discord = await startSimulator();
  const { gateway, states, log } = createGateway(discord, {
    intents: GUILDS | GUILD_MESSAGES,
    clientOptions: { guildCreateTimeout: 100 },
  });
  await gateway.connect();
  const garbage = new Garbage(new Random(SEED));
  const heard = new Set<string>();
  gateway.client.on('messageCreate', ({ id }) => void heard.add(id));
  for (let sent = 0; sent < PAYLOADS; sent += BURST) {
    const shardId = garbage.random.below(4);
    const guildId = discord.guildIdsOfShard(shardId, 4)[0] ?? '';
    const guild = gateway.client.guilds.get(guildId);
    const right = {
      ...{ id: guildId, guild_id: guildId, channel_id: [...(guild?.channels.keys() ?? [])][0], session_id: 'x', v: 10 },
      ...{
        user: { id: discord.botId, username: 'bot' },
        member: { user: { id: '1' }, roles: [] },
        type: 2,
        token: 't',
      },
      ...{
        guilds: [{ id: guildId, unavailable: true }],
        application: { id: '1', flags: 0 },
        members: [],
        channels: [],
      },
      ...{ role: { id: guildId }, emoji: { id: null, name: 'x' }, emojis: [], stickers: [], threads: [], roles: [] },
      ...{
        data: { id: '1', name: 'ping', type: 1 },
        name: 'x',
        content: 'x',
        author: { id: '2' },
        heartbeat_interval: 5,
      },
    };
    for (let index = 0; index < BURST; index++) discord.faults.sendGarbage(shardId, garbage.payload(right));
    await sleep(5);
    expect(escaped).toEqual([]);
    if ((sent / BURST) % 10 !== 9) continue;
    await until(() =>
      expect(
        gateway.statuses().map(({ state }) => state),
        JSON.stringify(log.lines.slice(-30), null, 1),
      ).toEqual(['ready', 'ready', 'ready', 'ready']),
    );
  }
  // A READY of every shard undoes what the garbage did to the cache. Then the bot hears everything again.
  for (let shardId = 0; shardId < 4; shardId++) discord.faults.invalidateSession(shardId);
  states.length = 0;
  await until(() =>
    expect(new Set(states.filter(({ state }) => state === 'ready').map((s) => s.shardId)).size).toBe(4),
  );
  for (const guildId of discord.guildIds) {
    const sent = discord.sendMessage({ guildId, content: 'hello' });
    await until(() => expect(heard).toContain(sent.id));
  }
  expect(escaped).toEqual([]);
});

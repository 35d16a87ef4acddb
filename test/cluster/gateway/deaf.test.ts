import { expect, it } from 'vitest';
import { createGateway, FAST, startSimulator, until } from './support.js';

const DEAF_AFTER_MS = 20;
/** What a new process allows, having seen nothing yet. */
const FIRST_ALLOWANCE_MS = 20 * DEAF_AFTER_MS;

it('a bot with nothing to hear resumes once in a while, each time after a longer silence, and is never called deaf', async () => {
  const simulator = await startSimulator();
  const deaf: string[] = [];
  const { gateway, slots } = createGateway(simulator, {
    shardIds: [1],
    timings: { ...FAST, deafAfterMs: DEAF_AFTER_MS },
    onDeaf: (_shardId, reason) => void deaf.push(reason),
  });
  await gateway.connect();
  const [from] = simulator.account.connections.map(({ identifiedAt }) => identifiedAt);
  await until(() => expect(simulator.account.resumes).toHaveLength(2));
  const [first, second] = simulator.account.resumes.map(({ at }) => at);
  // A little less than allowed at first, and than four times that: its own guilds, which come after READY, are traffic too.
  expect((first ?? 0) - (from ?? 0)).toBeGreaterThanOrEqual(0.75 * FIRST_ALLOWANCE_MS);
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(3 * FIRST_ALLOWANCE_MS);
  expect(deaf).toEqual([]);
  expect(slots.asked).toHaveLength(1);
});

it('a shard that is deaf again after its resume is reported, and one that hears again is not', async () => {
  const simulator = await startSimulator();
  const deaf: string[] = [];
  const { gateway } = createGateway(simulator, {
    shardIds: [1],
    timings: { ...FAST, deafAfterMs: DEAF_AFTER_MS },
    onDeaf: (_shardId, reason) => void deaf.push(reason),
  });
  await gateway.connect();
  const guildId = simulator.guildIdsOfShard(1, 4)[0] ?? '';
  const talk = setInterval(() => simulator.sendMessage({ guildId, content: 'hello' }), 10);
  try {
    simulator.faults.withhold(1, 'dispatches');
    await until(() => expect(simulator.account.resumes.filter(({ ok }) => ok).length).toBeGreaterThan(0));
    await until(() => expect(gateway.statuses()[0]?.state).toBe('ready'));
    expect(deaf).toEqual([]);
    simulator.faults.withhold(1, 'dispatches', { again: 1 });
    await until(() => expect(deaf.length).toBeGreaterThan(0));
    expect(deaf[0]).toMatch(/^shard 1: no event for .* after 1 reconnects for that$/);
  } finally {
    clearInterval(talk);
  }
  expect(simulator.account.summary()).toMatchObject({ identifies: 1, overlaps: 0, violations: 0 });
});

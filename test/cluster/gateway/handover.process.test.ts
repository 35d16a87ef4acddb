import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startSimulator, targetOf } from './support.js';

const WORK = {
  eris: `await client.getSelf();
    client.shards.get(0).editStatus('idle');
    client.shards.get(0).requestGuildMembers('1', { query: 'a' });`,
  dysnomia: `await client.getSelf();
    client.shards.get(0).editStatus('idle');
    client.shards.get(0).requestGuildMembers('1', { query: 'a' });
    client.shards.get(0).requestGuildSoundboardSounds({ guildIDs: ['1'], timeout: 15_000 });`,
  oceanic: `await client.rest.users.get(client.user.id);
    await client.shards.get(0).editStatus('idle');
    const shard = client.shards.get(0);
    const asked = [shard.requestGuildMembers('1', { query: 'a' }), shard.requestSoundboardSounds('1')];
    Promise.allSettled(asked);`,
  discordJs: `await client.users.fetch(client.user.id, { force: true });
    client.user.setStatus('idle');`,
} as const;

it.each([
  ['eris', 'eris', '{ intents: 513 }'],
  ['dysnomia', 'dysnomia', '{ gateway: { intents: 513 } }'],
  ['oceanic', 'oceanic', '{ gateway: { intents: 513 } }'],
  ['discordjs', 'discordJs', '{ intents: 513 }'],
] as const)('Gateway.stop leaves no socket or timer of %s: the process ends by itself', async (room, name, library) => {
  const simulator = await startSimulator();
  const module = (path: string) => new URL(`../../../dist/cluster/${path}/index.js`, import.meta.url).href;
  const options = { ...targetOf(simulator), shardIds: [0, 1, 2, 3], shardCount: 4 };
  const script = `
    import { Gateway, GatewayLog } from ${JSON.stringify(module('gateway'))};
    import { ${name} } from ${JSON.stringify(module(`clients/${room}`))};
    const nothing = () => {};
    const options = { ...${JSON.stringify(options)}, acquireSlot: async () => ({ release: nothing }) };
    const log = new GatewayLog({ debug: nothing, info: nothing, warn: nothing, error: nothing }, options.token);
    const adapter = await ${name}(${library})({ ...options, log });
    const gateway = new Gateway(adapter, options, log);
    await gateway.connect();
    const { client } = gateway;
    ${WORK[name]}
    await gateway.stop();
    process.exitCode = 7;
    console.log('stopped');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  const from = performance.now();
  expect(await ended).toEqual([7, null]);
  // The libraries' shortest timers that could be left (requests, handshakes, heartbeats) run for 15 s and more.
  expect(performance.now() - from).toBeLessThan(5_000);
});

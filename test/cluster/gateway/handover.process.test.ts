import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startSimulator, targetOf } from './support.js';

it('Gateway.stop leaves no socket or timer: the process ends by itself', async () => {
  const simulator = await startSimulator();
  const module = (room: string) => new URL(`../../../dist/cluster/${room}/index.js`, import.meta.url).href;
  const options = { ...targetOf(simulator), shardIds: [0, 1, 2, 3], shardCount: 4 };
  const script = `
    import { Gateway, GatewayLog } from ${JSON.stringify(module('gateway'))};
    import { ErisAdapter } from ${JSON.stringify(module('clients/eris'))};
    const nothing = () => {};
    const options = { ...${JSON.stringify(options)}, acquireSlot: async () => ({ release: nothing }) };
    const log = new GatewayLog({ debug: nothing, info: nothing, warn: nothing, error: nothing }, options.token);
    const adapter = new ErisAdapter({ ...options, log }, { intents: 513 });
    const gateway = new Gateway(adapter, options, log);
    await gateway.connect();
    await gateway.client.getSelf();
    gateway.client.shards.get(0).editStatus('idle');
    gateway.client.shards.get(0).requestGuildMembers('1', { query: 'a' });
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
  // eris's shortest timers that could be left (requests, handshakes, heartbeats) run for 15 s and more.
  expect(performance.now() - from).toBeLessThan(5_000);
});

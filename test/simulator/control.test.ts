import { afterEach, beforeEach, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { until } from './clients.js';
import { RawGateway } from './RawGateway.js';

let discord: Simulator;
let client: RawGateway;

beforeEach(async () => {
  discord = new Simulator({ guildCount: 2, interactionDeadlineMs: 1000 });
  await discord.start();
  client = await RawGateway.login(discord);
  client.socket.on('message', async (data: Buffer) => {
    const packet = JSON.parse(data.toString());
    if (packet.t !== 'INTERACTION_CREATE' || packet.d.data.name !== 'ping') return;
    await fetch(`${discord.url}/interactions/${packet.d.id}/${packet.d.token}/callback`, {
      method: 'POST',
      body: JSON.stringify({ type: 4, data: { content: 'pong' } }),
    }).catch(() => undefined); // The simulator may have been stopped meanwhile: the test is over then.
  });
});

afterEach(() => discord.stop());

async function control(method: string, path: string, body?: unknown) {
  const response = await fetch(`${new URL(discord.url).origin}/simulator${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

it('runs a command and waits for the answer', async () => {
  const [guildId] = discord.guildIds;
  const { body } = await control('POST', '/commands', { name: 'ping', guildId });
  expect(body).toMatchObject({ answer: { content: 'pong' }, interaction: { name: 'ping', state: 'answered' } });
  const failed = await control('POST', '/commands', { name: 'nobody', guildId });
  expect(failed).toMatchObject({ status: 400, body: { error: expect.stringContaining('nobody acknowledged it') } });
});

it('shows the account, in short and in full', async () => {
  expect((await control('GET', '/account')).body).toMatchObject({ identifies: 1, violations: 0 });
  expect((await control('GET', '/account/full')).body.connections).toMatchObject([{ id: 'c1' }]);
});

it('starts and stops traffic', async () => {
  await control('POST', '/traffic', { commandsPerSecond: 500 });
  await until(() => discord.account.interactions.length > 0, 'a command');
  await control('POST', '/traffic', { stop: true });
  expect(discord.traffic.isRunning).toBe(false);
});

it('makes faults, and says which there are', async () => {
  expect((await control('POST', '/faults/dropSocket', { args: [0, { code: 4008 }] })).body).toEqual({
    ok: true,
    struck: 1,
  });
  await expect(client.closed).resolves.toMatchObject({ code: 4008 });
  const unknown = await control('POST', '/faults/meteor', {});
  expect(unknown.status).toBe(400);
  expect(unknown.body.error).toContain('dropSocket');
});

it('sends a message', async () => {
  const { body } = await control('POST', '/messages', { content: 'hello', guildId: discord.guildIds[0] });
  expect(body).toMatchObject({ content: 'hello', deliveries: [{ connectionId: 'c1' }] });
});

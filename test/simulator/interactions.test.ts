import { beforeEach, describe, expect, it } from 'vitest';
import type { Interaction, SimulatorOptions } from '../../src/simulator/index.js';
import { call, discord, start as startDiscord, until } from './local.js';
import { RawGateway } from './RawGateway.js';

let client: RawGateway;
let guildId: string;

beforeEach(() => start());

async function start(options: SimulatorOptions = {}): Promise<void> {
  await startDiscord({ guildCount: 2, ...options });
  guildId = discord.guildIds[0] ?? '';
  client = await RawGateway.login(discord);
}

/** The path holds the interaction's own token, so that of the bot is not needed. */
const request = (method: string, path: string, body?: unknown) =>
  call(method, `/v10${path}`, body, { authorization: undefined });
const callback = (to: Interaction, body: unknown, query = '') =>
  request('POST', `/interactions/${to.id}/${to.token}/callback${query}`, body);
const webhook = (to: Interaction, method: string, path = '', body?: unknown) =>
  request(method, `/webhooks/${discord.applicationId}/${to.token}${path}`, body);
const pong = { type: 4, data: { content: 'pong' } };

describe('a command', () => {
  it('reaches the bot with all that Discord sends', async () => {
    await fetch(`${discord.url}/v10/applications/${discord.applicationId}/commands`, {
      method: 'POST',
      headers: { authorization: `Bot ${discord.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'config',
        description: 'Settings.',
        options: [
          {
            type: 1,
            name: 'set',
            description: 'Sets one.',
            options: [
              { type: 6, name: 'user', description: 'For whom.' },
              { type: 10, name: 'ratio', description: 'How much.' },
            ],
          },
        ],
      }),
    });
    const userId = discord.memberIdOf(guildId);
    const interaction = discord.runCommand({
      name: 'config set',
      options: { user: userId, ratio: 2 },
      guildId,
      userId: discord.ownerId,
    });
    const { d } = await client.event('INTERACTION_CREATE');
    expect(d).toMatchObject({
      id: interaction.id,
      token: interaction.token,
      type: 2,
      version: 1,
      application_id: discord.applicationId,
      guild_id: guildId,
      guild: { id: guildId },
      channel_id: discord.channelIdOf(guildId),
      channel: { id: discord.channelIdOf(guildId), type: 0 },
      member: { user: { id: discord.ownerId }, permissions: expect.any(String) },
      data: {
        id: discord.commands.list()[0]?.id,
        name: 'config',
        options: [
          {
            type: 1,
            name: 'set',
            options: [
              { type: 6, name: 'user', value: userId },
              { type: 10, name: 'ratio', value: 2 },
            ],
          },
        ],
        resolved: { users: { [userId]: { id: userId } }, members: { [userId]: { roles: expect.any(Array) } } },
      },
    });
    expect(interaction.entry).toMatchObject({
      shardId: 0,
      state: 'waiting',
      deliveries: [
        { sessionId: client.session.sessionId, connectionId: 'c1', replay: false, seq: d ? client.session.seq : 0 },
      ],
    });
  });

  it('is answered once; the answer is a message in the channel', async () => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    expect((await callback(interaction, pong)).status).toBe(204);
    const answer = await interaction.answered;
    expect(answer).toMatchObject({ kind: 'callback', type: 4, content: 'pong', ephemeral: false });
    expect(answer.latencyMs).toBeGreaterThan(0);
    const { d } = await client.event('MESSAGE_CREATE');
    expect(d).toMatchObject({
      id: answer.message?.id,
      content: 'pong',
      type: 20,
      webhook_id: discord.applicationId,
      interaction_metadata: { id: interaction.id, user: { id: interaction.entry.userId } },
    });
    expect(interaction.entry).toMatchObject({ state: 'answered', responses: [{ kind: 'callback', accepted: true }] });
  });

  it('with_response is answered with the message', async () => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    const { status, body } = await callback(interaction, pong, '?with_response=true');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      interaction: { id: interaction.id, type: 2, response_message_loading: false },
      resource: { type: 4, message: { content: 'pong' } },
    });
  });

  it('acknowledged twice gets 40060 the second time, and counts as answered twice', async () => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    await callback(interaction, pong);
    expect(await callback(interaction, pong)).toMatchObject({
      status: 400,
      body: { code: 40060, message: 'Interaction has already been acknowledged.' },
    });
    expect(interaction.entry.doubleAcknowledgements).toBe(1);
    expect(interaction.entry.responses).toMatchObject([{ accepted: true }, { accepted: false, code: 40060 }]);
    expect(discord.account.summary().commands).toMatchObject({ answered: 1, answeredOnce: 0, answeredTwice: 1 });
    expect(discord.account.violations).toMatchObject([{ kind: 'doubleAcknowledgement' }]);
  });

  it('nobody acknowledges has failed at the deadline; later it is unknown (10062)', async () => {
    await start({ interactionDeadlineMs: 50 });
    const interaction = discord.runCommand({ name: 'ping', guildId });
    await expect(interaction.answered).rejects.toThrow('nobody acknowledged it within 50 ms');
    expect(interaction.entry).toMatchObject({ state: 'failed', failedAt: expect.any(Number) });
    expect(await callback(interaction, pong)).toMatchObject({ status: 404, body: { code: 10062 } });
    expect(interaction.entry.lateAcknowledgements).toBe(1);
    expect(discord.account.summary().commands).toMatchObject({ sent: 1, failed: 1, answered: 0, pending: 0 });
    expect((await webhook(interaction, 'POST', '', { content: 'x' })).body).toMatchObject({ code: 10015 });
  });

  it('without a bot to hear it fails too, and was delivered to nobody', async () => {
    await start({ interactionDeadlineMs: 50 });
    await client.close(1000);
    const interaction = discord.runCommand({ name: 'ping', guildId });
    await expect(interaction.answered).rejects.toThrow('nobody');
    expect(interaction.entry).toMatchObject({ deliveries: [], shardId: null });
    expect(discord.account.summary().commands).toMatchObject({ sent: 1, delivered: 0, failed: 1 });
  });

  it('that comes while the socket is away is replayed, and the account says so', async () => {
    await client.close(4901);
    const interaction = discord.runCommand({ name: 'ping', guildId });
    const other = await client.resumeElsewhere(discord);
    await other.event('INTERACTION_CREATE');
    expect(interaction.entry.deliveries).toMatchObject([
      { connectionId: null, replay: false },
      { connectionId: 'c2', replay: true },
    ]);
  });

  it('deferred is answered by the edit of the original', async () => {
    const interaction = discord.runCommand({ name: 'slow', guildId });
    await callback(interaction, { type: 5, data: { flags: 64 } });
    expect(interaction.entry.state).toBe('acknowledged');
    expect((await webhook(interaction, 'GET', '/messages/@original')).body.flags).toBe(64 | 128);
    expect((await webhook(interaction, 'PATCH', '/messages/@original', {})).body).toMatchObject({ code: 50006 });
    await webhook(interaction, 'PATCH', '/messages/@original', { content: 'done' });
    await expect(interaction.answered).resolves.toMatchObject({
      kind: 'editOriginal',
      content: 'done',
      ephemeral: true,
    });
    expect(client.packets.some((packet) => packet.t === 'MESSAGE_CREATE')).toBe(false);
    expect((await webhook(interaction, 'DELETE', '/messages/@original')).status).toBe(204);
    expect((await webhook(interaction, 'GET', '/messages/@original')).body).toMatchObject({ code: 10008 });
  });

  it('deferred may be answered by a followup, which takes the place of the original', async () => {
    const interaction = discord.runCommand({ name: 'slow', guildId });
    await callback(interaction, { type: 5 });
    const followup = await webhook(interaction, 'POST', '', { content: 'done' });
    expect(followup.body.id).toBe((await webhook(interaction, 'GET', '/messages/@original')).body.id);
    await expect(interaction.answered).resolves.toMatchObject({ kind: 'followup', content: 'done' });
    const second = await webhook(interaction, 'POST', '', { content: 'more' });
    expect(second.body.id).not.toBe(followup.body.id);
    const edited = await webhook(interaction, 'PATCH', `/messages/${second.body.id}`, { content: 'even more' });
    expect(edited.body.content).toBe('even more');
    expect(interaction.entry.responses.map((response) => response.kind)).toEqual([
      'callback',
      'followup',
      'followup',
      'editFollowup',
    ]);
  });

  it('takes no followup before it is acknowledged, and none for another application', async () => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    expect(await webhook(interaction, 'POST', '', { content: 'x' })).toMatchObject({
      status: 404,
      body: { code: 10015 },
    });
    await callback(interaction, pong);
    expect((await request('POST', `/webhooks/1/${interaction.token}`, { content: 'x' })).body.code).toBe(10015);
  });

  it.each([
    ['a pong', { type: 1 }],
    ['an update', { type: 7, data: { content: 'x' } }],
    ['choices', { type: 8, data: { choices: [] } }],
    ['an unknown type', { type: 99 }],
    ['a modal without title', { type: 9, data: { custom_id: 'x', components: [] } }],
    ['2001 characters', { type: 4, data: { content: 'x'.repeat(2001) } }],
  ])('refuses %s, and can still be acknowledged', async (_what, body) => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    expect(await callback(interaction, body)).toMatchObject({ status: 400, body: { code: 50035 } });
    expect((await callback(interaction, pong)).status).toBe(204);
  });

  it('refuses an empty message', async () => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    expect(await callback(interaction, { type: 4, data: {} })).toMatchObject({ status: 400, body: { code: 50006 } });
  });

  it('may be answered with a modal', async () => {
    const interaction = discord.runCommand({ name: 'form', guildId });
    await callback(interaction, { type: 9, data: { custom_id: 'f', title: 'Form', components: [] } });
    await expect(interaction.answered).resolves.toMatchObject({ type: 9 });
  });

  it('with a wrong id or token is unknown', async () => {
    const interaction = discord.runCommand({ name: 'ping', guildId });
    const other = discord.runCommand({ name: 'ping', guildId });
    expect((await request('POST', `/interactions/${interaction.id}/${other.token}/callback`, pong)).body.code).toBe(
      10062,
    );
  });

  it('has a token that ends', async () => {
    await start({ interactionTokenLifetimeMs: 500 });
    const interaction = discord.runCommand({ name: 'ping', guildId });
    await callback(interaction, pong);
    expect((await webhook(interaction, 'GET', '/messages/@original')).status).toBe(200);
    await until(() => Date.now() - interaction.entry.createdAt > 510, 'the end of the token');
    expect(await webhook(interaction, 'POST', '', { content: 'x' })).toMatchObject({
      status: 401,
      body: { code: 50027 },
    });
  });
});

describe('other interactions', () => {
  it('a button may update its message', async () => {
    const command = discord.runCommand({ name: 'menu', guildId });
    await callback(command, pong);
    const { message } = await command.answered;
    const press = discord.pressComponent({ customId: 'next', messageId: message?.id ?? '', guildId });
    const { d } = await client.find((packet) => packet.d?.type === 3);
    expect(d).toMatchObject({ data: { custom_id: 'next', component_type: 2 }, message: { id: message?.id } });
    await callback(press, { type: 7, data: { content: 'page 2' } });
    await expect(press.answered).resolves.toMatchObject({ content: 'page 2' });
    expect((await client.event('MESSAGE_UPDATE')).d).toMatchObject({ id: message?.id, content: 'page 2' });
  });

  it('an autocompletion takes choices and nothing else', async () => {
    const typing = discord.autocomplete({ name: 'find', options: { text: 'ap' }, focused: 'text', guildId });
    const { d } = await client.find((packet) => packet.d?.type === 4);
    expect(d.data.options).toEqual([{ name: 'text', type: 3, value: 'ap', focused: true }]);
    expect((await callback(typing, pong)).status).toBe(400);
    await callback(typing, { type: 8, data: { choices: [{ name: 'apple', value: 'apple' }] } });
    await expect(typing.answered).resolves.toMatchObject({ type: 8 });
  });
});

it('an answer nobody waits for any more is no unhandled rejection when the simulator stops', async () => {
  const interaction = discord.runCommand({ name: 'ping', guildId });
  const message = discord.sendMessage({ content: 'hm', guildId });
  const waiting = [interaction.answered, message.answered];
  await discord.stop();
  const results = await Promise.allSettled(waiting);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

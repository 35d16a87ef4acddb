import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterContext } from '../../../src/cluster/ClusterContext.js';
import type { ErisClient } from '../../../src/cluster/clients/eris/index.js';
import { CommandRouter } from '../../../src/cluster/commands/CommandRouter.js';
import { createCommands } from '../../../src/cluster/commands/commands.js';
import { evaluateIn } from '../../../src/cluster/events/masterEventTable.js';
import type { Gateway } from '../../../src/cluster/gateway/index.js';
import type { GatewayPacket } from '../../../src/core/discord/packets.js';
import { Simulator } from '../../../src/simulator/index.js';
import { openGateway } from '../gateway/support.js';
import { idle, noDispatch } from './FakeDiscord.js';

/** A gateway with an eris client in the local Discord, with the router beside it; only the master is played. */
const discord = new Simulator({ guildCount: 8, shardCount: 1, globalRequestsPerSecond: Number.POSITIVE_INFINITY });
const logged: { level: string; details: object; message: string }[] = [];
let gateway: Gateway<ErisClient>;
let client: ErisClient;
/** Every dispatch, as the gateway hands it on. */
let onEvent = (shardId: number, packet: GatewayPacket): void => router.receive(shardId, packet);
let router: CommandRouter;
let guildId: string;
let userId: string;
let requests: { name: string; data: unknown }[] = [];
let answerOfMaster: (name: string, data: unknown) => unknown = () => null;

beforeAll(async () => {
  await discord.start();
  const opened = openGateway(discord, {
    shardIds: [0],
    shardCount: 1,
    intents: ['guilds', 'guildMessages'],
    onEvent: (shardId, packet) => onEvent(shardId, packet),
  });
  gateway = opened.gateway;
  client = gateway.client;
  client.on('error', (error) => logged.push({ level: 'client', details: { error }, message: error.message }));
  const context: ClusterContext = {
    clusterId: 0,
    clusterCount: 1,
    shardCount: 1,
    client,
    ownerIds: new Set([discord.ownerId]),
    latencyMs: () => 5,
    ...noDispatch,
    master: {
      async request(name: string, data: unknown) {
        requests.push({ name, data });
        return (await answerOfMaster(name, data)) as never;
      },
    },
  };
  const scrub = (text: string) => text.replaceAll(discord.token, '[redacted]');
  const write = (level: string) => (details: object, message: string) => logged.push({ level, details, message });
  router = new CommandRouter({
    context,
    rest: gateway.adapter,
    identity: () => gateway.identity,
    commands: createCommands({ evaluate: evaluateIn(context, scrub) }),
    logger: { debug: write('debug'), warn: write('warn'), error: write('error') },
    scrub,
  });
  router.start();
  await gateway.connect();
  guildId = discord.guildIds[0] ?? '';
  // The first member may be the guild's owner, who is the bot's owner here.
  userId = discord.memberIdOf(guildId, 1);
});

beforeEach(() => {
  requests = [];
  logged.length = 0;
  answerOfMaster = () => null;
  discord.faults.clear();
});

afterAll(async () => {
  router.stop();
  await gateway.stop();
  await discord.stop();
});

const slash = (name: string, options = {}, user = userId) =>
  discord.runCommand({ name, options, guildId, userId: user });
const mention = (text: string, user = userId) =>
  discord.sendMessage({ content: `<@${discord.botId}> ${text}`, guildId, userId: user });

describe('against the local Discord', () => {
  it('answers a slash command once', async () => {
    const interaction = slash('ping');
    const answer = await interaction.answered;
    expect(answer.content).toMatch(new RegExp(`^pong .*5 ms .*shard 0 .*cluster 0 .*pid ${process.pid}$`));
    await idle(router);
    expect(interaction.entry.responses).toHaveLength(1);
  });

  it('answers a mention once, by a reply to it', async () => {
    const message = mention('ping');
    expect((await message.answered).content).toContain('pong');
    await idle(router);
    expect(message.entry.replies).toHaveLength(1);
  });

  it('leaves commands, buttons and mentions that are not its own to the listeners of the bot', async () => {
    const handled = router.handled;
    const onInteraction = (interaction: unknown) => {
      // The bot takes its time: whoever else answered would be first.
      setTimeout(
        () =>
          void (interaction as { createMessage(text: string): Promise<unknown> }).createMessage('by the bot itself'),
        100,
      );
    };
    const onMessage = (message: { channel: { id: string }; id: string; author: { bot: boolean } }) => {
      const messageReference = { messageID: message.id };
      if (!message.author.bot) {
        setTimeout(() => void client.createMessage(message.channel.id, { content: 'fine', messageReference }), 100);
      }
    };
    client.on('interactionCreate', onInteraction);
    client.on('messageCreate', onMessage);
    try {
      const [own, talk] = [slash('own'), mention('how are you?')];
      expect((await own.answered).content).toBe('by the bot itself');
      expect((await talk.answered).content).toBe('fine');
      const pressed = discord.pressComponent({
        messageId: talk.entry.replies[0]?.id ?? '',
        customId: 'ping',
        guildId,
      });
      expect((await pressed.answered).content).toBe('by the bot itself');
      for (const { entry } of [own, pressed]) expect(entry.responses).toHaveLength(1);
      expect(talk.entry.replies).toHaveLength(1);
    } finally {
      client.off('interactionCreate', onInteraction);
      client.off('messageCreate', onMessage);
    }
    expect(router.handled).toBe(handled);
    expect(logged).toMatchObject([{ level: 'debug', details: { name: 'own' } }]);
  });

  it('refuses owner commands to others so that only they see it', async () => {
    expect(await slash('eval', { code: '1' }).answered).toMatchObject({
      ephemeral: true,
      content: 'Only the owner of this bot can use `eval`.',
    });
    const message = mention('restart');

    await expect.poll(() => discord.account.rest.byRoute['POST /users/@me/channels']).toBe(1);
    await idle(router);
    expect(message.entry.replies).toEqual([]);
    expect(requests).toEqual([]);
    expect(logged).toEqual([]);
  });

  it('runs code for the owner, and never shows the token', async () => {
    expect((await slash('eval', { code: 'client.guilds.size' }, discord.ownerId).answered).content).toBe(
      '```js\ncluster 0: 8\n```',
    );
    const reply = await mention('eval target:here ```js\nclient._token\n```', discord.ownerId).answered;
    expect(reply.content).toBe('```js\ncluster 0: "Bot [redacted]"\n```');
    const long = await slash('eval', { code: '"`😀".repeat(5000)' }, discord.ownerId).answered;
    expect(long.content.length).toBeLessThanOrEqual(2000);
    expect(long.content).toMatch(/…\n```$/);
  });

  it('keeps the three seconds however long the master takes', async () => {
    answerOfMaster = () => new Promise((resolve) => setTimeout(resolve, 3_500, null));
    const [interaction, message] = [slash('guild', { id: guildId }), mention(`user ${userId}`)];
    const answer = await interaction.answered;
    expect(answer).toMatchObject({ kind: 'editOriginal', content: `No cluster of this bot has guild ${guildId}.` });
    expect(interaction.entry.acknowledgedAt).toBeLessThan(interaction.entry.createdAt + 3_000);
    await idle(router);
    expect(message.entry.replies).toHaveLength(1);
    const sent = await client.getMessage(message.entry.channelId, message.entry.replies[0]?.id ?? '');
    expect(sent.content).toBe(`No cluster of this bot has seen user ${userId}.`);
  });

  it('acknowledges a burst in time although each callback takes 250 ms', async () => {
    discord.faults.slowRest({ route: '/callback', delayMs: 250 });
    const interactions = Array.from({ length: 40 }, () => slash('ping'));
    const answers = await Promise.all(interactions.map(({ answered }) => answered));
    expect(Math.max(...answers.map(({ latencyMs }) => latencyMs))).toBeLessThan(2_000);
  });

  it('hands a restart to the master together with the answer, which can be edited from outside', async () => {
    const interaction = slash('restart', {}, discord.ownerId);
    await interaction.answered;
    await idle(router);
    const [request] = requests;
    expect(request).toMatchObject({
      name: 'restart',
      data: { progress: { applicationId: discord.applicationId, interactionToken: interaction.token } },
    });
    await client.editWebhookMessage(discord.applicationId, interaction.token, '@original', { content: 'half done' });
    expect(interaction.entry.responses.map(({ content }) => content)).toEqual([
      'Restarting all clusters…',
      'half done',
    ]);
  });

  it('has broken none of the rules of Discord', () => {
    expect(discord.account.violations).toEqual([]);
    expect(discord.account.summary()).toMatchObject({
      commands: { failed: 0, answeredTwice: 0 },
      rest: { rateLimited: 0 },
    });
  });

  it('finishes a command that another process had deferred when it died', async () => {
    const take = onEvent;
    const received = new Promise<GatewayPacket>((resolve) => {
      onEvent = (_shardId, packet) => {
        if (packet.t === 'INTERACTION_CREATE') resolve(packet);
      };
    });
    const interaction = slash('ping');
    const packet = await received;
    onEvent = take;
    const callback = `/interactions/${interaction.id}/${interaction.token}/callback`;
    await gateway.adapter.request('POST', callback, { type: 5 }, { auth: false });
    router.receive(0, packet);
    const answer = await interaction.answered;
    expect(answer).toMatchObject({ kind: 'editOriginal', content: expect.stringContaining('pong') });
    router.receive(0, packet);
    await idle(router);
    expect(interaction.entry.responses.filter(({ accepted }) => accepted)).toHaveLength(2);
    expect(logged.map(({ level }) => level)).toEqual(['debug', 'debug']);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { INTENTS, Simulator } from '../../src/simulator/index.js';
import { discord, start } from './local.js';
import { RawGateway } from './RawGateway.js';

let guildId: string;

beforeEach(async () => {
  await start({ guildCount: 3, guildShape: { members: 120, presences: 5 } });
  guildId = discord.guildIds[1] ?? '';
});

/** The names of all packets, an empty one for those that are no events. */
async function settled(client: RawGateway): Promise<string[]> {
  await client.settle();
  return client.packets.map(({ t }) => t ?? '');
}

describe('GUILD_CREATE', () => {
  it('shows only the bot without the presences intent', async () => {
    const client = await RawGateway.login(discord);
    const { d } = await client.event('GUILD_CREATE');
    expect(d.members.map((member: { user: { id: string } }) => member.user.id)).toEqual([discord.botId]);
    expect(d).toMatchObject({ member_count: 120, presences: [], large: true });
  });

  it('shows everyone with it, or those worth showing when the guild is large', async () => {
    const intents = INTENTS.guilds | INTENTS.guildPresences;
    const small = await RawGateway.login(discord, { intents, large_threshold: 250 });
    expect((await small.event('GUILD_CREATE')).d).toMatchObject({ large: false, members: { length: 120 } });
    const large = await RawGateway.login(discord, { intents, large_threshold: 50 });
    const { d } = await large.event('GUILD_CREATE');
    expect(d.large).toBe(true);
    expect(d.members.length).toBeLessThan(120);
    expect(d.presences.length).toBe(5);
  });

  it('does not come without the guilds intent', async () => {
    const client = await RawGateway.open(discord);
    client.identify({ intents: INTENTS.guildMessages });
    const ready = await client.event('READY');
    expect(ready.d.guilds).toHaveLength(3);
    expect(await settled(client)).not.toContain('GUILD_CREATE');
  });

  it('is the same in every run with the same seed, and another with another', async () => {
    const twin = new Simulator({ guildCount: 3, guildShape: { members: 120, presences: 5 } });
    const stranger = new Simulator({ guildCount: 3, guildShape: { members: 120, presences: 5 }, seed: 2 });
    expect(twin.guilds.get(guildId)).toEqual(discord.guilds.get(guildId));
    expect(stranger.guilds.get(guildId)).not.toEqual(discord.guilds.get(guildId));
  });

  it('comes before anything else about the guild', async () => {
    await start({ guildCount: 900 });
    const client = await RawGateway.open(discord);
    client.identify();
    await client.event('READY');
    const last = discord.guildIds.at(-1) ?? '';
    discord.runCommand({ name: 'ping', guildId: last });
    await client.event('INTERACTION_CREATE');
    const about = client.packets.filter((packet) => packet.d?.id === last || packet.d?.guild_id === last);
    expect(about.map((packet) => packet.t)).toEqual(['GUILD_CREATE', 'INTERACTION_CREATE']);
  });
});

describe('what happens in guilds', () => {
  it('reaches those who have the intent for it', async () => {
    const all = await RawGateway.login(discord, { intents: INTENTS.guilds | INTENTS.guildMembers });
    const few = await RawGateway.login(discord, { intents: INTENTS.guilds });
    const { guilds } = discord;
    const channel = guilds.createChannel(guildId, { name: 'new' });
    guilds.updateChannel(channel.id, { topic: 'about' });
    const thread = guilds.createThread(channel.id, { name: 'aside' });
    guilds.updateChannel(thread.id, { name: 'renamed' });
    guilds.deleteChannel(thread.id);
    guilds.deleteChannel(channel.id);
    const role = guilds.createRole(guildId, { name: 'helper' });
    guilds.updateRole(guildId, role.id, { color: 3 });
    const member = guilds.addMember(guildId);
    guilds.updateMember(guildId, member.user.id, { roles: [role.id] });
    guilds.removeMember(guildId, member.user.id);
    guilds.deleteRole(guildId, role.id);
    guilds.update(guildId, { name: 'renamed' });
    discord.emitGuildEvent('GUILD_BAN_ADD', guildId, { guild_id: guildId, user: member.user });
    const events = [
      'CHANNEL_CREATE',
      'CHANNEL_UPDATE',
      'THREAD_CREATE',
      'THREAD_UPDATE',
      'THREAD_DELETE',
      'CHANNEL_DELETE',
      'GUILD_ROLE_CREATE',
      'GUILD_ROLE_UPDATE',
      'GUILD_MEMBER_ADD',
      'GUILD_MEMBER_UPDATE',
      'GUILD_MEMBER_REMOVE',
      'GUILD_ROLE_DELETE',
      'GUILD_UPDATE',
    ];
    expect((await settled(all)).slice(5, -1)).toEqual(events);
    expect((await settled(few)).slice(5, -1)).toEqual(events.filter((event) => !event.includes('MEMBER')));
  });

  it('tells the bot what happens to itself, whatever its intents', async () => {
    const client = await RawGateway.login(discord, { intents: INTENTS.guilds });
    discord.guilds.updateMember(guildId, discord.memberIdOf(guildId), { nick: 'someone' });
    discord.guilds.updateMember(guildId, discord.botId, { nick: 'me' });
    expect((await client.event('GUILD_MEMBER_UPDATE')).d.nick).toBe('me');
  });

  it('is in the GUILD_CREATE of who comes later', async () => {
    const channel = discord.guilds.createChannel(guildId, { name: 'new' });
    discord.guilds.update(guildId, { name: 'renamed' });
    const client = await RawGateway.login(discord);
    const { d } = await client.find((packet) => packet.t === 'GUILD_CREATE' && packet.d.id === guildId);
    expect(d.name).toBe('renamed');
    expect(d.channels.map((entry: { id: string }) => entry.id)).toContain(channel.id);
  });

  it('is in the GUILD_CREATE of who comes later, but for threads that are archived', async () => {
    const channel = discord.guilds.createChannel(guildId);
    const [active, archived] = [discord.guilds.createThread(channel.id), discord.guilds.createThread(channel.id)];
    discord.guilds.updateChannel(archived.id, { thread_metadata: { archived: true } });
    const client = await RawGateway.login(discord);
    const { d } = await client.find((packet) => packet.t === 'GUILD_CREATE' && packet.d.id === guildId);
    const threads = d.threads.map((entry: { id: string }) => entry.id);
    expect(threads).toContain(active.id);
    expect(threads).not.toContain(archived.id);
  });

  it('joins and leaves guilds, and loses them to outages', async () => {
    const client = await RawGateway.login(discord);
    const joined = discord.guilds.join('a new one');
    await client.find((packet) => packet.t === 'GUILD_CREATE' && packet.d.id === joined);
    discord.guilds.leave(guildId);
    const left = await client.find((packet) => packet.t === 'GUILD_DELETE' && packet.d.id === guildId);
    expect(left.d).toEqual({ id: guildId });
    discord.guilds.fail(joined);
    const lost = await client.find((packet) => packet.t === 'GUILD_DELETE' && packet.d.id === joined);
    expect(lost.d).toEqual({ id: joined, unavailable: true });
    discord.guilds.recover(joined);
    await client.find(
      () => client.packets.filter((packet) => packet.t === 'GUILD_CREATE' && packet.d.id === joined).length === 2,
    );
    expect(discord.guildIds).toContain(joined);
    expect(discord.guildIds).not.toContain(guildId);
  });

  it('is kept for a session without a socket', async () => {
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const joined = discord.guilds.join();
    const other = await client.resumeElsewhere(discord);
    await other.find((packet) => packet.t === 'GUILD_CREATE' && packet.d.id === joined);
  });
});

describe('messages', () => {
  it('have content for those who may read it', async () => {
    const intents = INTENTS.guilds | INTENTS.guildMessages;
    const plain = await RawGateway.login(discord, { intents });
    const reader = await RawGateway.login(discord, { intents: intents | INTENTS.messageContent });
    const deaf = await RawGateway.login(discord, { intents: INTENTS.guilds });
    discord.sendMessage({ content: 'hello', guildId });
    discord.sendMessage({ content: `<@${discord.botId}> hello`, guildId });
    await settled(plain);
    await settled(reader);
    const contents = (client: RawGateway) =>
      client.packets.filter((packet) => packet.t === 'MESSAGE_CREATE').map((packet) => packet.d.content);
    expect(contents(plain)).toEqual(['', `<@${discord.botId}> hello`]);
    expect(contents(reader)).toEqual(['hello', `<@${discord.botId}> hello`]);
    expect(await settled(deaf)).not.toContain('MESSAGE_CREATE');
  });
});

describe('requests over the gateway', () => {
  it('gives all members in chunks to who has the intent, once in 30 s', async () => {
    const client = await RawGateway.login(discord, { intents: INTENTS.guilds | INTENTS.guildMembers });
    client.send(8, { guild_id: guildId, query: '', limit: 0, nonce: 'n1' });
    const chunk = await client.event('GUILD_MEMBERS_CHUNK');
    expect(chunk.d).toMatchObject({
      guild_id: guildId,
      chunk_index: 0,
      chunk_count: 1,
      nonce: 'n1',
      members: { length: 120 },
    });
    client.send(8, { guild_id: guildId, query: '', limit: 0 });
    const limited = await client.event('RATE_LIMITED');
    expect(limited.d).toMatchObject({ opcode: 8, meta: { guild_id: guildId } });
    expect(limited.d.retry_after).toBeGreaterThan(29);
  });

  it('gives no member list to who has not, and notes it', async () => {
    const client = await RawGateway.login(discord);
    client.send(8, { guild_id: guildId, query: '', limit: 0 });
    expect(await settled(client)).not.toContain('GUILD_MEMBERS_CHUNK');
    expect(discord.account.violations).toMatchObject([{ kind: 'membersWithoutIntent' }]);
  });

  it('finds members by id and says whom it did not find', async () => {
    const client = await RawGateway.login(discord);
    const known = discord.memberIdOf(guildId, 3);
    client.send(8, { guild_id: guildId, user_ids: [known, '123456789012345678'] });
    const { d } = await client.event('GUILD_MEMBERS_CHUNK');
    expect(d.members).toMatchObject([{ user: { id: known } }]);
    expect(d.not_found).toEqual(['123456789012345678']);
  });

  it('answers a voice state update', async () => {
    const client = await RawGateway.login(discord, { intents: INTENTS.guilds | INTENTS.guildVoiceStates });
    const voice = discord.guilds.get(guildId).channels.find((channel) => channel.type === 2);
    client.send(4, { guild_id: guildId, channel_id: voice?.id, self_mute: true, self_deaf: false });
    expect((await client.event('VOICE_STATE_UPDATE')).d).toMatchObject({ channel_id: voice?.id, self_mute: true });
    await client.event('VOICE_SERVER_UPDATE');
  });

  it('answers for soundboard sounds', async () => {
    const client = await RawGateway.login(discord);
    client.send(31, { guild_ids: [guildId] });
    expect((await client.event('SOUNDBOARD_SOUNDS')).d.guild_id).toBe(guildId);
  });

  it.each([
    [3, { status: 'nowhere', activities: [], since: null, afk: false }],
    [4, { guild_id: 'x' }],
    [8, { guild_id: '123456789012345678' }],
    [31, {}],
  ])('closes on a malformed opcode %d with 4002', async (opcode, data) => {
    const client = await RawGateway.login(discord);
    client.send(opcode, data);
    await expect(client.closed).resolves.toMatchObject({ code: 4002 });
  });
});

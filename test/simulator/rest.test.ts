import { beforeEach, describe, expect, it } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/index.js';
import { call, discord, start as startDiscord } from './local.js';
import { RawGateway } from './RawGateway.js';

const start = (options: SimulatorOptions = {}): Promise<void> => startDiscord({ rateLimits: false, ...options });
beforeEach(() => start());

const channel = () => discord.channelIdOf(discord.guildIds[0] ?? '');
const post = (body: unknown) => call('POST', `/v10/channels/${channel()}/messages`, body);

describe('every request', () => {
  it.each(['', '/v10', '/v9'])('is served under /api%s, as exactly application/json', async (version) => {
    const { status, headers, body } = await call('GET', `${version}/users/@me`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(body).toMatchObject({ id: discord.botId, bot: true });
  });

  it.each([
    ['no', () => ({ authorization: undefined })],
    ['another token in the', () => ({ authorization: 'Bot nonsense' })],
    ['no "Bot" in the', () => ({ authorization: discord.token })],
  ])('with %s Authorization header is a 401', async (_what, headersOf) => {
    const { status, body } = await call('GET', '/v10/users/@me', undefined, headersOf());
    expect(status).toBe(401);
    expect(body).toEqual({ message: '401: Unauthorized', code: 0 });
    expect(discord.account.summary()).toMatchObject({ rest: { invalid: 1 }, violations: 1 });
  });

  it('to an unknown path is a 404, with a wrong method a 405', async () => {
    expect(await call('GET', '/v10/nothing')).toMatchObject({
      status: 404,
      body: { message: '404: Not Found', code: 0 },
    });
    expect(await call('PUT', `/v10/channels/${channel()}`)).toMatchObject({
      status: 405,
      body: { message: '405: Method Not Allowed', code: 0 },
    });
  });

  it('with invalid JSON is a 400 with code 50109', async () => {
    expect(await post('{"content":')).toMatchObject({ status: 400, body: { code: 50109 } });
  });
});

describe('rate limits', () => {
  it('are told in headers, per route and channel, and end in a 429', async () => {
    await start({ rateLimits: { 'POST /channels/:channelId/messages': { limit: 2, windowMs: 5000 } } });
    const first = await post({ content: 'one' });
    expect(first.headers.get('x-ratelimit-limit')).toBe('2');
    expect(first.headers.get('x-ratelimit-remaining')).toBe('1');
    expect(first.headers.get('x-ratelimit-bucket')).toMatch(/^[0-9a-f]{32}$/);
    expect(Number(first.headers.get('x-ratelimit-reset-after'))).toBeGreaterThan(4);
    expect((await post({ content: 'two' })).headers.get('x-ratelimit-remaining')).toBe('0');
    const third = await post({ content: 'three' });
    expect(third.status).toBe(429);
    expect(third.headers.get('x-ratelimit-scope')).toBe('user');
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThanOrEqual(4);
    expect(third.body).toMatchObject({ message: 'You are being rate limited.', global: false });
    expect(third.body.retry_after).toBeGreaterThan(4);
    const elsewhere = discord.channelIdOf(discord.guildIds[1] ?? '');
    expect((await call('POST', `/v10/channels/${elsewhere}/messages`, { content: 'x' })).status).toBe(200);
  });

  it('come to an end with their window', async () => {
    await start({ rateLimits: { 'GET /users/@me': { limit: 1, windowMs: 2_000 } } });
    await call('GET', '/v10/users/@me');
    const { status, body } = await call('GET', '/v10/users/@me');
    expect(status).toBe(429);
    expect(body.retry_after).toBeGreaterThan(0);
    await expect.poll(async () => (await call('GET', '/v10/users/@me')).status, { timeout: 10_000 }).toBe(200);
  });

  it('has a global one, which interactions are not bound to', async () => {
    await start({ globalRequestsPerSecond: 3 });
    for (let count = 0; count < 3; count++) await call('GET', '/v10/users/@me');
    const fourth = await call('GET', '/v10/users/@me');
    expect(fourth).toMatchObject({ status: 429, body: { global: true } });
    expect(fourth.headers.get('x-ratelimit-global')).toBe('true');
    expect(fourth.headers.get('x-ratelimit-scope')).toBe('global');
    const interaction = discord.runCommand({ name: 'ping', guildId: discord.guildIds[0] ?? '' });
    const path = `/v10/interactions/${interaction.id}/${interaction.token}/callback`;
    expect((await call('POST', path, { type: 4, data: { content: 'pong' } })).status).toBe(204);
  });

  it('ban an address that ignores refusals', async () => {
    await start({ invalidRequestLimit: 3 });
    for (let count = 0; count < 4; count++) await call('GET', '/v10/users/@me', undefined, { authorization: 'x' });
    const banned = await call('GET', '/v10/users/@me');
    expect(banned.status).toBe(429);
    expect(banned.headers.get('content-type')).toBe('text/html');
    expect(Number(banned.headers.get('retry-after'))).toBeGreaterThan(500);
    expect(discord.account.violations.map(({ kind }) => kind)).toContain('invalidRequestBan');
  });
});

describe('what can be asked', () => {
  it('says where the gateway is and how many sessions may start', async () => {
    await start({ shardCount: 3, maxConcurrency: 2, sessionStartLimit: { remaining: 7 } });
    await RawGateway.login(discord);
    expect((await call('GET', '/v10/gateway')).body).toEqual({ url: discord.gatewayUrl });
    expect((await call('GET', '/v10/gateway/bot')).body).toMatchObject({
      url: discord.gatewayUrl,
      shards: 3,
      session_start_limit: { total: 1000, remaining: 6, max_concurrency: 2 },
    });
  });

  it('says who owns the application', async () => {
    for (const path of ['/applications/@me', '/oauth2/applications/@me']) {
      const { body } = await call('GET', `/v10${path}`);
      expect(body).toMatchObject({ id: discord.applicationId, owner: { id: discord.ownerId }, team: null });
    }
  });

  it('says which team owns it', async () => {
    await start({ ownerCount: 2 });
    const { body } = await call('GET', '/v10/applications/@me');
    expect(body.team).toMatchObject({ owner_user_id: discord.ownerId, members: [{}, {}] });
    expect(body.team.members.map((member: { user: { id: string } }) => member.user.id)).toEqual(discord.ownerIds);
    expect(body.owner.id).toBe(body.team.id);
  });

  it('knows guilds, channels, roles, members and users', async () => {
    const [guildId = ''] = discord.guildIds;
    const truth = discord.guilds.get(guildId);
    const userId = discord.memberIdOf(guildId);
    expect((await call('GET', `/v10/guilds/${guildId}?with_counts=true`)).body).toMatchObject({
      id: guildId,
      name: truth.name,
      approximate_member_count: 8,
    });
    expect((await call('GET', `/v10/guilds/${guildId}/channels`)).body).toEqual(truth.channels);
    expect((await call('GET', `/v10/guilds/${guildId}/roles`)).body).toEqual(truth.roles);
    expect((await call('GET', `/v10/guilds/${guildId}/members?limit=3`)).body).toHaveLength(3);
    expect((await call('GET', `/v10/guilds/${guildId}/members/${userId}`)).body.user.id).toBe(userId);
    expect((await call('GET', `/v10/users/${userId}`)).body.id).toBe(userId);
    expect((await call('GET', `/v10/channels/${channel()}`)).body.id).toBe(channel());
    expect((await call('GET', '/v10/users/@me/guilds?limit=2')).body).toHaveLength(2);
    const thread = truth.threads[0]?.id;
    expect((await call('GET', `/v10/channels/${thread}`)).body.parent_id).toBe(channel());
  });

  it.each([
    ['guilds/123456789012345678', 10004],
    ['channels/123456789012345678', 10003],
    ['users/123456789012345678', 10013],
    ['applications/1/commands', 10002],
  ])('says that /%s is unknown (%d)', async (path, code) => {
    expect(await call('GET', `/v10/${path}`)).toMatchObject({ status: 404, body: { code } });
  });
});

describe('messages', () => {
  it('are posted, told to the gateway, edited, listed and deleted', async () => {
    const client = await RawGateway.login(discord);
    const { body: message } = await post({ content: 'hello', nonce: 'n', embeds: [{ title: 'x' }] });
    expect(message).toMatchObject({
      content: 'hello',
      nonce: 'n',
      author: { id: discord.botId },
      embeds: [{ title: 'x' }],
    });
    expect((await client.event('MESSAGE_CREATE')).d).toMatchObject({ id: message.id, guild_id: discord.guildIds[0] });
    const path = `/v10/channels/${channel()}/messages/${message.id}`;
    expect((await call('PATCH', path, { content: 'bye' })).body).toMatchObject({
      content: 'bye',
      embeds: [{ title: 'x' }],
    });
    expect((await client.event('MESSAGE_UPDATE')).d.content).toBe('bye');
    expect((await call('GET', path)).body.content).toBe('bye');
    expect((await call('GET', `/v10/channels/${channel()}/messages?limit=5`)).body).toHaveLength(1);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await client.event('MESSAGE_DELETE')).d).toMatchObject({ id: message.id });
    expect(await call('GET', path)).toMatchObject({ status: 404, body: { code: 10008 } });
  });

  it.each([
    ['nothing', {}, 50006],
    ['only spaces', { content: '  ' }, 50006],
    ['2001 characters', { content: 'x'.repeat(2001) }, 50035],
    ['content that is no string', { content: 5 }, 50035],
    ['eleven embeds', { embeds: Array.from({ length: 11 }, () => ({ title: 'x' })) }, 50035],
    ['a description that is too long', { embeds: [{ description: 'x'.repeat(4097) }] }, 50035],
    ['the ephemeral flag', { content: 'x', flags: 64 }, 50035],
    [
      'a reference to a message that is not there',
      { content: 'x', message_reference: { message_id: '123456789012345678' } },
      50035,
    ],
    [
      'contradictory mentions',
      { content: 'x', allowed_mentions: { parse: ['users'], users: ['123456789012345678'] } },
      50035,
    ],
    ['an unknown kind of mention', { content: 'x', allowed_mentions: { parse: ['cats'] } }, 50035],
  ])('with %s are refused with a 400', async (_what, body, code) => {
    expect(await post(body)).toMatchObject({ status: 400, body: { code } });
  });

  it('tell in the errors tree which field is wrong', async () => {
    const { body } = await post({ content: 'x'.repeat(2001) });
    expect(body).toEqual({
      message: 'Invalid Form Body',
      code: 50035,
      errors: { content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' }] } },
    });
  });

  it('reply to a message, and may outlive it when told so', async () => {
    const [guildId = ''] = discord.guildIds;
    const asked = discord.sendMessage({ content: 'hm', guildId });
    const { body } = await post({ content: 'yes', message_reference: { message_id: asked.id } });
    expect(body).toMatchObject({ type: 19, referenced_message: { id: asked.id } });
    await expect(asked.answered).resolves.toMatchObject({ content: 'yes' });
    const reference = { message_id: '123456789012345678', fail_if_not_exists: false };
    expect((await post({ content: 'still', message_reference: reference })).status).toBe(200);
  });

  it('with enforce_nonce and a nonce used before are not posted again: the first one is returned', async () => {
    const [guildId = ''] = discord.guildIds;
    const asked = discord.sendMessage({ content: 'hm', guildId });
    const body = { content: 'yes', nonce: 'n', message_reference: { message_id: asked.id } };
    const first = await post({ ...body, enforce_nonce: true });
    const second = await post({ ...body, content: 'again', enforce_nonce: true });
    expect(second).toMatchObject({ status: 200, body: { id: first.body.id, content: 'yes' } });
    expect(asked.entry.replies).toHaveLength(1);
    // Without it, a nonce is only a mark.
    expect((await post(body)).body.id).not.toBe(first.body.id);
  });

  it('come as multipart with files, too', async () => {
    const form = new FormData();
    form.set('payload_json', JSON.stringify({ attachments: [{ id: 0, filename: 'a.txt' }] }));
    form.set('files[0]', new Blob(['hello']), 'a.txt');
    const response = await fetch(`${discord.url}/v10/channels/${channel()}/messages`, {
      method: 'POST',
      headers: { authorization: `Bot ${discord.token}` },
      body: form,
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ attachments: [{ filename: 'a.txt' }] });
  });

  it('of others are not for the bot to edit, and a category takes none', async () => {
    const [guildId = ''] = discord.guildIds;
    const message = discord.sendMessage({ content: 'mine', guildId });
    const path = `/v10/channels/${channel()}/messages/${message.id}`;
    expect(await call('PATCH', path, { content: 'x' })).toMatchObject({ status: 403, body: { code: 50005 } });
    const category = discord.guilds.get(guildId).channels.find(({ type }) => type === 4)?.id;
    const refused = await call('POST', `/v10/channels/${category}/messages`, { content: 'x' });
    expect(refused).toMatchObject({ status: 400, body: { code: 50008 } });
  });

  it('go to users too, over shard 0', async () => {
    const { body: dm } = await call('POST', '/v10/users/@me/channels', { recipient_id: discord.ownerId });
    expect(dm).toMatchObject({ type: 1, recipients: [{ id: discord.ownerId }] });
    const again = await call('POST', '/v10/users/@me/channels', { recipient_id: discord.ownerId });
    expect(again.body.id).toBe(dm.id);
    const client = await RawGateway.login(discord, { shard: [0, 2], intents: 1 << 12 });
    const other = await RawGateway.login(discord, { shard: [1, 2], intents: 1 << 12 });
    await call('POST', `/v10/channels/${dm.id}/messages`, { content: 'psst' });
    expect((await client.event('MESSAGE_CREATE')).d).toMatchObject({ channel_id: dm.id, content: 'psst' });
    await other.settle();
    expect(other.events).not.toContain('MESSAGE_CREATE');
    expect((await call('POST', '/v10/users/@me/channels', {})).body.code).toBe(50035);
  });

  it('are announced by typing', async () => {
    const client = await RawGateway.login(discord, { intents: 1 << 11 });
    expect((await call('POST', `/v10/channels/${channel()}/typing`)).status).toBe(204);
    expect((await client.event('TYPING_START')).d).toMatchObject({ user_id: discord.botId, channel_id: channel() });
  });
});

describe('commands', () => {
  const base = () => `/v10/applications/${discord.applicationId}/commands`;
  const ping = { name: 'ping', description: 'Answers.' };

  it('are created, kept by name, overwritten, changed and deleted', async () => {
    const created = await call('POST', base(), ping);
    expect(created).toMatchObject({
      status: 201,
      body: { name: 'ping', type: 1, application_id: discord.applicationId },
    });
    const again = await call('POST', base(), { ...ping, description: 'Answers again.' });
    expect(again).toMatchObject({ status: 200, body: { id: created.body.id, description: 'Answers again.' } });
    const put = await call('PUT', base(), [ping, { name: 'echo', description: 'Echoes.' }]);
    expect(put.body.map(({ name }: { name: string }) => name)).toEqual(['ping', 'echo']);
    expect(put.body[0].id).toBe(created.body.id);
    const one = `${base()}/${put.body[1].id}`;
    expect((await call('PATCH', one, { description: 'Says it.' })).body).toMatchObject({
      name: 'echo',
      description: 'Says it.',
    });
    expect((await call('DELETE', one)).status).toBe(204);
    expect(await call('GET', one)).toMatchObject({ status: 404, body: { code: 10063 } });
    expect((await call('GET', base())).body).toHaveLength(1);
  });

  it('of a guild are its own', async () => {
    const [guildId = ''] = discord.guildIds;
    const path = `/v10/applications/${discord.applicationId}/guilds/${guildId}/commands`;
    await call('POST', path, ping);
    expect((await call('GET', path)).body).toMatchObject([{ guild_id: guildId }]);
    expect((await call('GET', base())).body).toEqual([]);
    const strange = `/v10/applications/${discord.applicationId}/guilds/123456789012345678/commands`;
    expect(await call('GET', strange)).toMatchObject({ status: 403, body: { code: 50001 } });
  });

  it('have the defaults of their fields, and no field that Discord does not know', async () => {
    const { body } = await call('POST', base(), { ...ping, colour: 'red', id: '1' });
    expect(body).toEqual({
      ...ping,
      id: expect.stringMatching(/^\d{17,}$/),
      application_id: discord.applicationId,
      version: expect.any(String),
      type: 1,
      name_localizations: null,
      description_localizations: null,
      default_member_permissions: null,
      dm_permission: true,
      nsfw: false,
      contexts: null,
      integration_types: [0, 1],
    });
    const [guildId = ''] = discord.guildIds;
    const path = `/v10/applications/${discord.applicationId}/guilds/${guildId}/commands`;
    const ofGuild = await call('POST', path, { ...ping, contexts: [0], integration_types: [0], dm_permission: false });
    for (const field of ['contexts', 'integration_types', 'dm_permission'])
      expect(ofGuild.body).not.toHaveProperty(field);
  });

  it('keep what a PATCH does not name, and go back to the defaults when they are overwritten', async () => {
    const fields = { default_member_permissions: '8', nsfw: true, contexts: [0], integration_types: [0] };
    const { body } = await call('POST', base(), { ...ping, ...fields });
    const patched = await call('PATCH', `${base()}/${body.id}`, { nsfw: false });
    expect(patched.body).toMatchObject({ ...ping, ...fields, nsfw: false, id: body.id });
    const overwritten = await call('POST', base(), ping);
    expect(overwritten).toMatchObject({
      status: 200,
      body: { id: body.id, default_member_permissions: null, contexts: null, integration_types: [0, 1] },
    });
    expect((await call('PATCH', `${base()}/${body.id}`, { nsfw: true })).status).toBe(200);
    await call('POST', base(), { ...ping, name: 'echo' });
    const clash = await call('PATCH', `${base()}/${body.id}`, { name: 'echo' });
    expect(clash).toMatchObject({ status: 400, body: { code: 50035, errors: { name: {} } } });
    expect(await call('DELETE', `${base()}/1`)).toMatchObject({ status: 404, body: { code: 10063 } });
  });

  it('come in a list in one language, or on demand in all', async () => {
    const choice = { name: 'one', value: '1', name_localizations: { de: 'eins' } };
    const option = {
      type: 3,
      name: 'text',
      description: 'Text.',
      name_localizations: { de: 'wort' },
      choices: [choice],
    };
    const body = { ...ping, name_localizations: { de: 'ping', fr: 'pingue' }, options: [option] };
    const { id } = (await call('POST', base(), body)).body;
    const [plain] = (await call('GET', base())).body;
    for (const node of [plain, plain.options[0], plain.options[0].choices[0]]) {
      expect(Object.keys(node).filter((key) => /locali[sz]/.test(key))).toEqual([]);
    }
    const german = await call('GET', base(), undefined, { 'x-discord-locale': 'de' });
    expect(german.body).toMatchObject([
      { name_localized: 'ping', options: [{ name_localized: 'wort', choices: [{ name_localized: 'eins' }] }] },
    ]);
    for (const path of [`${base()}?with_localizations=true`, `${base()}/${id}`]) {
      const found = [(await call('GET', path)).body].flat();
      expect(found, path).toMatchObject([{ name_localizations: { de: 'ping', fr: 'pingue' }, options: [option] }]);
    }
  });

  const option = { type: 3, name: 'text', description: 'Some text.' };
  it.each([
    ['no name', { description: 'x' }, ['name']],
    ['a name with capitals', { ...ping, name: 'Ping' }, ['name']],
    ['a name with a space', { ...ping, name: 'two words' }, ['name']],
    ['a long name', { ...ping, name: 'x'.repeat(33) }, ['name']],
    ['no description', { name: 'ping' }, ['description']],
    ['a long description', { ...ping, description: 'x'.repeat(101) }, ['description']],
    ['a type that does not exist', { ...ping, type: 9 }, ['type']],
    ['a described user command', { name: 'Ping', type: 2, description: 'x' }, ['description']],
    ['an option without type', { ...ping, options: [{ ...option, type: undefined }] }, ['options', '0', 'type']],
    [
      'an option without description',
      { ...ping, options: [{ ...option, description: '' }] },
      ['options', '0', 'description'],
    ],
    ['two options of one name', { ...ping, options: [option, option] }, ['options', '1', 'name']],
    [
      'a required option last',
      { ...ping, options: [option, { ...option, name: 'b', required: true }] },
      ['options', '1'],
    ],
    [
      'too many options',
      { ...ping, options: Array.from({ length: 26 }, (_, i) => ({ ...option, name: `o${i}` })) },
      ['options'],
    ],
    [
      'choices for a boolean',
      { ...ping, options: [{ ...option, type: 5, choices: [{ name: 'a', value: 1 }] }] },
      ['options', '0', 'choices'],
    ],
    [
      'permissions that are no bit set',
      { ...ping, default_member_permissions: 'ADMIN' },
      ['default_member_permissions'],
    ],
    ['an nsfw that is no boolean', { ...ping, nsfw: 'yes' }, ['nsfw']],
    ['a context that does not exist', { ...ping, contexts: [0, 3] }, ['contexts', '1']],
    ['no list of contexts', { ...ping, contexts: null }, ['contexts']],
    ['an integration type that does not exist', { ...ping, integration_types: [2] }, ['integration_types', '0']],
    [
      'a language that does not exist',
      { ...ping, name_localizations: { klingon: 'x' } },
      ['name_localizations', 'klingon'],
    ],
    ['a translated name with capitals', { ...ping, name_localizations: { de: 'Ping' } }, ['name_localizations', 'de']],
    [
      'a long translation',
      { ...ping, description_localizations: { de: 'x'.repeat(101) } },
      ['description_localizations', 'de'],
    ],
    [
      'a number’s bounds for a text',
      { ...ping, options: [{ ...option, max_value: 5 }] },
      ['options', '0', 'max_value'],
    ],
    [
      'a text’s bounds for a number',
      { ...ping, options: [{ ...option, type: 4, max_length: 5 }] },
      ['options', '0', 'max_length'],
    ],
    ['a length out of bounds', { ...ping, options: [{ ...option, max_length: 6001 }] }, ['options', '0', 'max_length']],
    [
      'a broken bound for a whole number',
      { ...ping, options: [{ ...option, type: 4, min_value: 0.5 }] },
      ['options', '0', 'min_value'],
    ],
    [
      'suggestions for a boolean',
      { ...ping, options: [{ ...option, type: 5, autocomplete: true }] },
      ['options', '0', 'autocomplete'],
    ],
    [
      'channel types for a text',
      { ...ping, options: [{ ...option, channel_types: [0] }] },
      ['options', '0', 'channel_types'],
    ],
    [
      'a choice of the wrong type',
      { ...ping, options: [{ ...option, type: 4, choices: [{ name: 'a', value: 'b' }] }] },
      ['options', '0', 'choices', '0', 'value'],
    ],
  ])('with %s are refused, and the errors tree says where', async (_what, command, path) => {
    const { status, body } = await call('POST', base(), command);
    expect([status, body.code]).toEqual([400, 50035]);
    let node = body.errors;
    for (const key of path) node = node[key];
    expect(node._errors).toMatchObject([{ code: expect.any(String), message: expect.any(String) }]);
    const inList = await call('PUT', base(), [command]);
    expect(inList.body.errors['0']).toBeDefined();
  });

  it('may be named in any script', async () => {
    const names = ['grüße', '挨拶', 'สวัสดี', 'with-dash_and_line'];
    expect(
      (
        await call(
          'PUT',
          base(),
          names.map((name) => ({ ...ping, name })),
        )
      ).status,
    ).toBe(200);
  });

  it('twice in a list, or more than a hundred, are refused', async () => {
    expect((await call('PUT', base(), [ping, ping])).body.errors['1'].name._errors[0].code).toBe(
      'APPLICATION_COMMANDS_DUPLICATE_NAME',
    );
    const many = Array.from({ length: 101 }, (_, index) => ({ ...ping, name: `c${index}` }));
    expect((await call('PUT', base(), many)).status).toBe(400);
  });
});

import { describe, expect, it, onTestFinished } from 'vitest';
import type { ClientFactory, ClientSetup, RestRequest } from '../../../src/cluster/clients/ClientAdapter.js';
import { Gateway, GatewayLog, type GatewayOptions } from '../../../src/cluster/gateway/index.js';
import { Hydration } from '../../../src/cluster/store/Hydration.js';
import { changesOf } from '../../../src/cluster/store/stateTable.js';
import type { Simulator } from '../../../src/simulator/index.js';
import {
  FAST,
  GUILD_MESSAGES,
  GUILDS,
  MESSAGE_CONTENT,
  type Payload,
  recordingLogger,
  ScriptedGateway,
  SlotDesk,
  startSimulator,
  targetOf,
  until,
} from '../gateway/support.js';
import { openStore, temporaryFolder } from '../store/support.js';

const GUILD_MEMBERS = 1 << 1;
const VOICE_STATES = 1 << 7;
const INTENTS = GUILDS | GUILD_MEMBERS | VOICE_STATES | GUILD_MESSAGES | MESSAGE_CONTENT;
const SHARDS = [0, 1];

/** What a listener of a library is told, in words that all libraries share. */
export type HeardEvent =
  | { readonly kind: 'message'; readonly content: string }
  | { readonly kind: 'channelCreated' | 'guildJoined' | 'guildLeft' | 'memberJoined'; readonly id: string }
  | { readonly kind: 'ready' };

/** One guild as a library has it cached: names and sorted ids. */
export interface CachedGuild {
  readonly id: string;
  readonly name: string;
  readonly channels: readonly string[];
  readonly roles: readonly string[];
  readonly members: readonly string[];
}

/** How a bot uses one client library. A new adapter says this of its library, and calls {@link describeAdapter}. */
export interface LibraryUnderTest<C> {
  readonly name: string;
  readonly create: (intents: number) => ClientFactory<C>;
  /** Adds a listener for each kind of event. What `hear` throws or returns must be the listener's own. */
  listen(client: C, hear: (event: HeardEvent) => unknown): void;
  guilds(client: C): readonly CachedGuild[];
  /** Whether the library says that it is ready. */
  isReady(client: C): boolean;
  botId(client: C): string | undefined;
  setStatus(client: C, status: 'idle'): void;
  /** The status that the library believes the bot to have. */
  status(client: C): string | undefined;
  /** Says that the bot is in no voice channel of this guild, which shard 0 has. */
  leaveVoice(client: C, guildId: string): void;
  /** @returns ids of all members, as Discord sends them. */
  fetchMembers(client: C, guildId: string): Promise<readonly string[]>;
  /** Answers every slash command with this text. */
  answerCommands(client: C, content: string): void;
  /** The library's own way to connect. */
  connect(client: C): Promise<unknown>;
  /** The library's own way to disconnect everything. */
  disconnect(client: C): unknown;
}

export function describeAdapter<C>(library: LibraryUnderTest<C>): void {
  type Overrides = Partial<GatewayOptions>;
  type Hooks = Pick<ClientSetup, 'callListener' | 'sendRequest'>;
  async function open(target: ReturnType<typeof targetOf>, overrides: Overrides = {}, hooks: Hooks = {}) {
    const slots = new SlotDesk();
    const log = recordingLogger();
    const { token, apiUrl, gatewayUrl } = target;
    const gatewayLog = new GatewayLog(log.logger, token);
    const [shardIds, shardCount] = [overrides.shardIds ?? SHARDS, overrides.shardCount ?? SHARDS.length];
    const adapter = await library.create(INTENTS)({ token, apiUrl, shardIds, shardCount, log: gatewayLog, ...hooks });
    const options = { token, gatewayUrl, shardIds, shardCount, timings: FAST, acquireSlot: slots.acquire };
    const gateway = new Gateway(adapter, { ...options, ...overrides }, gatewayLog);
    onTestFinished(() => gateway.stop());
    const heard: HeardEvent[] = [];
    library.listen(adapter.client, (event) => void heard.push(event));
    return { gateway, adapter, client: adapter.client, slots, log, heard };
  }
  const start = () => startSimulator({ guildCount: 8, shardCount: SHARDS.length });
  const errors = (log: ReturnType<typeof recordingLogger>) => log.lines.filter(({ level }) => level >= 50);
  const cacheOf = (client: C) => library.guilds(client).toSorted((a, b) => a.id.localeCompare(b.id));
  const worldOf = (simulator: Simulator): CachedGuild[] =>
    simulator.guildIds
      .toSorted((a, b) => a.localeCompare(b))
      .map((id) => {
        const guild = simulator.guilds.get(id);
        const ids = (items: readonly { readonly id: string }[]) => items.map((item) => item.id).sort();
        const members = guild.members.map(({ user }) => user.id).sort();
        return { id, name: guild.name, channels: ids(guild.channels), roles: ids(guild.roles), members };
      });
  /** Without members: GUILD_CREATE brings only some of them. */
  const bare = (guilds: readonly CachedGuild[]) => guilds.map(({ members: _, ...guild }) => guild);

  describe(`the adapter of ${library.name}`, () => {
    it('logs in, caches the world, is ready once and calls no guild new', async () => {
      const simulator = await start();
      const { gateway, client, heard, log } = await open(targetOf(simulator));
      expect(library.isReady(client)).toBe(false);
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      expect(bare(cacheOf(client))).toEqual(bare(worldOf(simulator)));
      expect(library.botId(client)).toBe(simulator.botId);
      expect(heard).toEqual([{ kind: 'ready' }]);
      expect(errors(log)).toEqual([]);
      expect(simulator.account.violations).toEqual([]);
    });

    it('counts and looks up what is cached', async () => {
      const simulator = await start();
      const { gateway, adapter } = await open(targetOf(simulator));
      await gateway.connect();
      const [guildId = ''] = simulator.guildIdsOfShard(1, 2);
      const guild = simulator.guilds.get(guildId);
      const counts = adapter.counts();
      for (const shardId of SHARDS) {
        const ids = simulator.guildIdsOfShard(shardId, 2);
        expect([...adapter.guildIds(shardId)].sort()).toEqual(ids.toSorted());
        expect(counts.guilds.get(shardId) ?? 0).toBe(ids.length);
      }
      expect(counts.users).toBeGreaterThan(0);
      expect(adapter.lookUp('guild', guildId)).toMatchObject({
        ...{ id: guildId, name: guild.name, memberCount: guild.member_count },
        ...{ channelCount: guild.channels.length, ownerId: guild.owner_id },
      });
      const channelId = simulator.channelIdOf(guildId);
      expect(adapter.lookUp('channel', channelId)).toMatchObject({ id: channelId, type: 0, guildId });
      expect(adapter.lookUp('user', simulator.botId)).toMatchObject({ id: simulator.botId, bot: true });
      for (const kind of ['guild', 'channel', 'user'] as const) {
        expect(adapter.lookUp(kind, '1')).toBeNull();
        expect(adapter.lookUp(kind, '')).toBeNull();
      }
    });

    it('is filled from the store without any event, resumes, and hears the rest once', async () => {
      const simulator = await start();
      const folder = temporaryFolder();
      const { store } = await openStore(folder, { shardCount: 2 });
      await store.takeOver();
      const one = { shardIds: [0], shardCount: 2 };
      const old = await open(targetOf(simulator), {
        ...one,
        judgeDispatch: (_shardId, packet) => store.dispatches.judge(packet),
        onDispatch: (_shardId, packet) => store.dispatches.handled(packet),
      });
      await old.gateway.connect();
      const sessions = old.gateway.release();
      await store.release();

      const { gateway, client, heard, slots, log } = await open(targetOf(simulator), one);
      const { store: read } = await openStore(folder, { shardCount: 2 });
      await new Hydration(gateway, read).run();
      expect(heard).toEqual([]);
      expect(cacheOf(client)).toEqual(cacheOf(old.client));
      expect(library.botId(client)).toBe(simulator.botId);
      const [guildId = ''] = simulator.guildIdsOfShard(0, 2);
      simulator.sendMessage({ guildId, content: 'meanwhile' });
      await gateway.connect(sessions);
      await until(() => expect(library.isReady(client)).toBe(true));
      await until(() => expect(heard).toHaveLength(2));
      expect(heard).toEqual(expect.arrayContaining([{ kind: 'message', content: 'meanwhile' }, { kind: 'ready' }]));
      expect(slots.asked).toEqual([]);
      expect(errors(log)).toEqual([]);
    });

    it('tells each event once, and caches what it says', async () => {
      const simulator = await start();
      const { gateway, client, heard } = await open(targetOf(simulator));
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      heard.length = 0;
      const [guildId = '', leftId = ''] = simulator.guildIds;
      const joinedId = simulator.guilds.join();
      const channel = simulator.guilds.createChannel(guildId);
      simulator.guilds.leave(leftId);
      simulator.sendMessage({ guildId, content: 'hello' });
      await until(() => expect(heard).toHaveLength(4));
      expect(heard).toEqual(
        expect.arrayContaining([
          { kind: 'guildJoined', id: joinedId },
          { kind: 'channelCreated', id: channel.id },
          { kind: 'guildLeft', id: leftId },
          { kind: 'message', content: 'hello' },
        ]),
      );
      expect(bare(cacheOf(client))).toEqual(bare(worldOf(simulator)));
    });

    it('tells of the guilds that the bot has joined and left while its connection was lost', async () => {
      const simulator = await start();
      const { gateway, client, heard } = await open(targetOf(simulator));
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      heard.length = 0;
      gateway.release();
      await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
      const leftId = simulator.guildIdsOfShard(0, 2)[0] ?? '';
      simulator.guilds.leave(leftId);
      const joinedId = simulator.guilds.join();
      await gateway.adopt();
      await until(() => expect(heard.filter(({ kind }) => kind !== 'ready')).toHaveLength(2));
      expect(heard).toEqual(
        expect.arrayContaining([
          { kind: 'guildLeft', id: leftId },
          { kind: 'guildJoined', id: joinedId },
        ]),
      );
      expect(bare(cacheOf(client))).toEqual(bare(worldOf(simulator)));
    });

    it('tells of the members that have joined while its connection was lost', async () => {
      const simulator = await start();
      const { gateway, client, heard } = await open(targetOf(simulator));
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      heard.length = 0;
      gateway.release();
      await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
      const [guildId = ''] = simulator.guildIds;
      const { user } = simulator.guilds.addMember(guildId);
      await gateway.adopt();
      const events = () => heard.filter(({ kind }) => kind !== 'ready');
      await until(() => expect(events()).toEqual([{ kind: 'memberJoined', id: user.id }]));
      expect(cacheOf(client).find(({ id }) => id === guildId)?.members).toContain(user.id);
    });

    it('tells of what happens on one shard while another waits for its login', async () => {
      const simulator = await start();
      const [first, second] = [new SlotDesk(), new SlotDesk()];
      second.hold();
      const { gateway, client, heard } = await open(targetOf(simulator), {
        acquireSlot: (shardId) => (shardId === 0 ? first : second).acquire(shardId),
      });
      const connected = gateway.connect();
      await until(() => expect(gateway.statuses()[0]?.state).toBe('ready'));
      const [guildId = ''] = simulator.guildIdsOfShard(0, 2);
      simulator.sendMessage({ guildId, content: 'early' });
      await until(() => expect(heard).toEqual([{ kind: 'message', content: 'early' }]));
      expect(library.isReady(client)).toBe(false);
      second.grantHeld();
      await connected;
      await until(() => expect(library.isReady(client)).toBe(true));
      expect(heard).toEqual([{ kind: 'message', content: 'early' }, { kind: 'ready' }]);
    });

    it('forgets the channels that were deleted while its session was lost', async () => {
      const simulator = await start();
      const { gateway, adapter } = await open(targetOf(simulator));
      const [guildId = ''] = simulator.guildIds;
      const { id } = simulator.guilds.createChannel(guildId);
      await gateway.connect();
      expect(adapter.lookUp('channel', id)).toMatchObject({ id });
      gateway.release();
      await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
      simulator.guilds.deleteChannel(id);
      simulator.faults.expireSessions();
      await gateway.adopt();
      expect(adapter.lookUp('channel', id)).toBeNull();
      expect(adapter.lookUp('guild', guildId)?.channelCount).toBe(simulator.guilds.get(guildId).channels.length);
    });

    it('tells nobody of what is only cached', async () => {
      const simulator = await start();
      let handled = 0;
      const { gateway, client, heard } = await open(targetOf(simulator), {
        judgeDispatch: (_shardId, { t }) => (t === 'CHANNEL_CREATE' || t === 'MESSAGE_CREATE' ? 'mute' : 'handle'),
        onDispatch: (_shardId, { t }) => void (t === 'MESSAGE_CREATE' && handled++),
      });
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      heard.length = 0;
      const [guildId = ''] = simulator.guildIds;
      const channel = simulator.guilds.createChannel(guildId);
      simulator.sendMessage({ guildId, content: 'hello' });
      await until(() => expect(handled).toBe(1));
      expect(heard).toEqual([]);
      expect(cacheOf(client).find(({ id }) => id === guildId)?.channels).toContain(channel.id);
    });

    it('lets nobody suffer from listeners that throw and reject, and calls each through callListener', async () => {
      const simulator = await start();
      const returned: unknown[] = [];
      const callListener = (_listener: object, call: () => unknown) => {
        const outcome = call();
        returned.push(outcome);
        return outcome;
      };
      const { gateway, client, heard, log } = await open(targetOf(simulator), {}, { callListener });
      library.listen(client, (event) => {
        if (event.kind === 'message') throw new Error('thrown by a listener');
      });
      library.listen(client, async (event) => {
        if (event.kind === 'message') throw new Error('rejected by a listener');
      });
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      const [guildId = ''] = simulator.guildIds;
      for (const content of ['one', 'two']) simulator.sendMessage({ guildId, content });
      await until(() => expect(errors(log)).toHaveLength(4));
      const contents = heard.flatMap((event) => (event.kind === 'message' ? [event.content] : []));
      expect(contents).toEqual(['one', 'two']);
      expect(log.text()).toContain('thrown by a listener');
      expect(log.text()).toContain('rejected by a listener');
      const settled = await Promise.allSettled(returned);
      expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(2);
    });

    it('sends each request of the library through sendRequest, which may change and repeat it', async () => {
      const simulator = await start();
      const requests: RestRequest[] = [];
      const sendRequest: ClientSetup['sendRequest'] = async (request, send) => {
        requests.push(request);
        const { token } = /^\/interactions\/\d+\/(?<token>[^/]+)\/callback(?:\?.*)?$/.exec(request.path)?.groups ?? {};
        if (token === undefined) return send(request);
        const answer = await send(request);
        const path = `/webhooks/${simulator.applicationId}/${token}/messages/@original`;
        await send({ method: 'PATCH', path, body: { content: 'and edited' } });
        return answer;
      };
      const { gateway, client } = await open(targetOf(simulator), {}, { sendRequest });
      library.answerCommands(client, 'answered');
      await gateway.connect();
      const run = simulator.runCommand({ name: 'ping', guildId: simulator.guildIds[0] ?? '' });
      expect(await run.answered).toMatchObject({ content: 'answered' });
      await until(() => expect(run.entry.responses.at(-1)).toMatchObject({ content: 'and edited' }));
      expect(requests).toMatchObject([{ method: 'POST', body: { data: { content: 'answered' } } }]);
      expect(simulator.account.violations).toEqual([]);
    });

    it('goes on after a dispatch that it chokes on', async () => {
      const simulator = await start();
      const { gateway, heard } = await open(targetOf(simulator));
      await gateway.connect();
      const [guildId = ''] = simulator.guildIds;
      for (const t of ['GUILD_ROLE_CREATE', 'MESSAGE_CREATE', 'CHANNEL_CREATE', 'GUILD_MEMBER_ADD'])
        simulator.emitGuildEvent(t, guildId, { guild_id: guildId });
      simulator.sendMessage({ guildId, content: 'after' });
      await until(() => expect(heard).toContainEqual({ kind: 'message', content: 'after' }));
      expect(gateway.statuses().map(({ state }) => state)).toEqual(['ready', 'ready']);
    });

    it('leaves in a dispatch what the store reads after it', async () => {
      const simulator = await start();
      const { gateway, adapter } = await open(targetOf(simulator));
      const [guildId = ''] = simulator.guildIdsOfShard(0, SHARDS.length);
      const guild = simulator.guilds.get(guildId);
      const thread = simulator.guilds.createThread(simulator.channelIdOf(guildId));
      await gateway.connect();
      const [member, other] = guild.members.map((each) => ({ ...each, guild_id: guildId }));
      const [channel] = guild.channels;
      const userId = member?.user.id;
      const inThread = { id: thread.id, user_id: userId, flags: 0, join_timestamp: new Date(0).toISOString() };
      const voice = { channel_id: null, session_id: 's', deaf: false, mute: true, self_deaf: false, self_mute: false };
      const presence = { user: { id: userId }, status: 'idle', activities: [], client_status: {} };
      const dispatches: readonly (readonly [t: string, d: object])[] = [
        ['THREAD_MEMBER_UPDATE', { ...inThread, guild_id: guildId }],
        [
          'THREAD_MEMBERS_UPDATE',
          { id: thread.id, guild_id: guildId, member_count: 2, added_members: [{ ...inThread, member }] },
        ],
        ['VOICE_STATE_UPDATE', { ...voice, guild_id: guildId, user_id: userId, member }],
        ['GUILD_MEMBER_UPDATE', { ...member, nick: 'nick' }],
        ['GUILD_MEMBERS_CHUNK', { guild_id: guildId, members: [member, other], chunk_index: 0, chunk_count: 1 }],
        ['CHANNEL_UPDATE', { ...channel, guild_id: guildId, name: 'renamed' }],
        ['THREAD_UPDATE', { ...thread, guild_id: guildId, name: 'renamed' }],
        ['GUILD_CREATE', { ...guild, presences: [presence] }],
        ['GUILD_MEMBER_REMOVE', { guild_id: guildId, user: other?.user }],
        ['GUILD_UPDATE', { ...guild, name: 'renamed' }],
        ['USER_UPDATE', { id: simulator.botId, username: 'renamed', discriminator: '0', avatar: null }],
      ];
      for (const [index, [t, d]] of dispatches.entries()) {
        const packet = { op: 0, t, s: 1_000 + index, d: structuredClone(d) };
        adapter.dispatch(0, packet, 'emit');
        const written = JSON.parse(JSON.stringify(changesOf(packet, simulator.botId)));
        expect(written, t).toMatchObject(JSON.parse(JSON.stringify(changesOf({ t, d }, simulator.botId))));
      }
    });

    it('sends presence and voice state, of which presence alone survives where there is no connection', async () => {
      const opcodes = (payloads: readonly Payload[]) => payloads.map(({ op }) => op).filter((op) => op !== 1);
      const scripted = await ScriptedGateway.start((connection) => {
        connection.hello();
        connection.socket.on('message', (data) => {
          const { op } = JSON.parse(String(data));
          if (op === 2) connection.ready();
          if (op === 6) connection.send({ op: 0, t: 'RESUMED', s: 2, d: {} });
        });
      });
      const { gateway, client } = await open(scripted.target, { shardIds: [0], shardCount: 1 });
      await gateway.connect();
      library.setStatus(client, 'idle');
      library.leaveVoice(client, '5');
      await until(() => expect(opcodes(scripted.connections[0]?.received ?? [])).toEqual([2, 3, 4]));
      expect(scripted.connections[0]?.received.find(({ op }) => op === 3)?.d).toMatchObject({ status: 'idle' });
      expect(scripted.connections[0]?.received.find(({ op }) => op === 4)?.d).toMatchObject({
        ...{ guild_id: '5', channel_id: null },
      });
      gateway.release();
      library.setStatus(client, 'idle');
      library.leaveVoice(client, '5');
      await gateway.adopt();
      await until(() => expect(opcodes(scripted.connections[1]?.received ?? [])).toEqual([6, 3]));
    });

    it('takes over the presence of an earlier process, sends it by itself no more, and goes on from it', async () => {
      const scripted = await ScriptedGateway.start((connection) => {
        connection.hello();
        connection.socket.on('message', (data) => JSON.parse(String(data)).op === 2 && connection.ready());
      });
      const { gateway, client, adapter } = await open(scripted.target, { shardIds: [0], shardCount: 1 });
      const activities = [{ name: 'chess', type: 0 }];
      adapter.restorePresence(0, { status: 'dnd', activities, afk: false, since: null });
      expect(library.status(client)).toBe('dnd');
      await gateway.connect();
      expect(library.status(client)).toBe('dnd');
      library.setStatus(client, 'idle');
      const sent = () => scripted.connections[0]?.received.filter(({ op }) => op === 3) ?? [];
      await until(() => expect(sent()).toHaveLength(1));
      expect(sent()[0]?.d).toMatchObject({ status: 'idle', activities });
    });

    it('fetches members over the gateway', async () => {
      const simulator = await start();
      const { gateway, client } = await open(targetOf(simulator));
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      const [guildId = ''] = simulator.guildIdsOfShard(1, 2);
      const ids = await library.fetchMembers(client, guildId);
      expect(ids.toSorted()).toEqual(worldOf(simulator).find(({ id }) => id === guildId)?.members);
      expect(simulator.account.violations).toEqual([]);
    });

    it("answers an interaction over the bot's own library and over the port, within one API URL", async () => {
      const simulator = await start();
      const { gateway, adapter, client } = await open(targetOf(simulator));
      const seen: number[] = [];
      adapter.onRest((status) => void seen.push(status));
      library.answerCommands(client, 'answer');
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      const [guildId = ''] = simulator.guildIds;
      const { answered } = simulator.runCommand({ name: 'ping', guildId });
      expect((await answered).content).toBe('answer');
      const channelId = simulator.channelIdOf(guildId);
      const sent = await adapter.request('POST', `/channels/${channelId}/messages`, { content: 'hello' });
      expect(sent).toMatchObject({ content: 'hello', channel_id: channelId });
      await expect(adapter.request('GET', '/channels/1')).rejects.toMatchObject({ code: 10003 });
      expect(seen).toEqual(expect.arrayContaining([200, 404]));
    });

    it("keeps its library's rate limits in what is sent over the port", async () => {
      const simulator = await start();
      const { gateway, adapter } = await open(targetOf(simulator));
      const seen: number[] = [];
      adapter.onRest((status) => void seen.push(status));
      await gateway.connect();
      const channelId = simulator.channelIdOf(simulator.guildIds[0] ?? '');
      // Discord takes five in five seconds.
      const contents = ['1', '2', '3', '4', '5', '6', '7'];
      const path = `/channels/${channelId}/messages`;
      const sent = await Promise.all(contents.map((content) => adapter.request('POST', path, { content })));
      expect(sent.map((message) => (message as { readonly content: string }).content)).toEqual(contents);
      expect(seen).toEqual(contents.map(() => 200));
    });

    it("connects and disconnects nothing for the bot's own calls", async () => {
      const simulator = await start();
      const { gateway, client } = await open(targetOf(simulator));
      await expect(library.connect(client)).rejects.toThrow(/not for the bot/);
      await gateway.connect();
      await library.disconnect(client);
      await expect(library.connect(client)).rejects.toThrow(/not for the bot/);
      expect(gateway.statuses().map(({ state }) => state)).toEqual(['ready', 'ready']);
      expect(simulator.account.connections).toHaveLength(2);
      expect(simulator.account.summary()).toMatchObject({ connectionsOpen: 2, identifies: 2 });
    });

    it('is ready again after all of its connections were lost', async () => {
      const simulator = await start();
      const { gateway, client, heard } = await open(targetOf(simulator));
      await gateway.connect();
      await until(() => expect(library.isReady(client)).toBe(true));
      gateway.release();
      await gateway.adopt();
      await until(() => expect(library.isReady(client)).toBe(true));
      const [guildId = ''] = simulator.guildIds;
      simulator.sendMessage({ guildId, content: 'after' });
      await until(() => expect(heard).toContainEqual({ kind: 'message', content: 'after' }));
    });

    it('ends without a trace: requests reject, and nobody hears anything', async () => {
      const simulator = await start();
      const { gateway, adapter, heard } = await open(targetOf(simulator));
      await gateway.connect();
      await gateway.stop();
      heard.length = 0;
      await expect(adapter.request('GET', '/users/@me')).rejects.toThrow();
      const [guildId = ''] = simulator.guildIds;
      adapter.dispatch(0, { op: 0, t: 'GUILD_DELETE', s: 99, d: { id: guildId } }, 'emit');
      expect(heard).toEqual([]);
      expect(simulator.account.summary().connectionsOpen).toBe(0);
    });
  });
}

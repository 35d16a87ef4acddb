import { describe, expect, it, onTestFinished } from 'vitest';
import type { ClientAdapter, ClientFactory, RawGuild } from '../../../src/cluster/clients/ClientAdapter.js';
import type { ErisLikeLibrary } from '../../../src/cluster/clients/erisLike/ErisLikeLibrary.js';
import {
  clientInternalsOf,
  type ErisLikeClient,
  shardInternalsOf,
} from '../../../src/cluster/clients/erisLike/erisLikeInternals.js';
import { Gateway, GatewayLog } from '../../../src/cluster/gateway/index.js';
import {
  FAST,
  GUILD_MESSAGES,
  GUILDS,
  MESSAGE_CONTENT,
  recordingLogger,
  SlotDesk,
  startSimulator,
  targetOf,
  until,
} from '../gateway/support.js';

const INTENTS = GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT;

export interface ErisLikeUnderTest<C extends object> {
  readonly library: ErisLikeLibrary;
  /** Makes a stock client of it. */
  readonly plain: () => object;
  readonly create: (intents: number) => ClientFactory<C>;
  /** Answers every interaction with the id of its user. */
  answerInteractions(client: C): void;
}

/** What eris and its descendants have inside, and what the shared adapter mends of it. */
export function describeErisLike<C extends object>(under: ErisLikeUnderTest<C>): void {
  const { library } = under;
  async function open(target: ReturnType<typeof targetOf>) {
    const { token, apiUrl, gatewayUrl } = target;
    const log = recordingLogger();
    const gatewayLog = new GatewayLog(log.logger, token);
    const shards = { shardIds: [0], shardCount: 1 };
    const adapter: ClientAdapter<C> = await under.create(INTENTS)({ token, apiUrl, ...shards, log: gatewayLog });
    const slots = { timings: FAST, acquireSlot: new SlotDesk().acquire };
    const gateway = new Gateway(adapter, { token, gatewayUrl, ...shards, ...slots }, gatewayLog);
    onTestFinished(() => gateway.stop());
    return { gateway, adapter, client: adapter.client, internals: clientInternalsOf(adapter.client, library), log };
  }
  const start = () => startSimulator({ guildCount: 4, shardCount: 1 });

  describe(`the check of ${library.name}`, () => {
    const client = clientInternalsOf(under.plain(), library);
    client.shards.connect = () => {};
    client.shards.spawn(0);

    it('accepts the installed one, which is the one that it was written for', () => {
      expect(library.version).toBe(library.needs);
      expect(shardInternalsOf(client.shards.get(0), library).id).toBe(0);
    });

    it('names what is missing in another', () => {
      const { name, version } = library;
      const other = Object.create(Object(client.shards.get(0)), { reset: { value: undefined } });
      expect(() => shardInternalsOf(other, library)).toThrow(
        `${name} ${version} does not fit: it lacks Shard.reset(). `,
      );
      expect(() => shardInternalsOf(undefined, library)).toThrow(/Shard\.checkReady\(\).*Shard\.status/);
      const another = Object.create(client, { shards: { value: { spawn: () => {} } } });
      expect(() => clientInternalsOf(another, library)).toThrow(/lacks ShardManager\.get\(\), .*_readyPacketCB/);
      const third = Object.create(client, { requestHandler: { value: { request: () => {} } } });
      expect(() => clientInternalsOf(third, library)).toThrow('lacks RequestHandler.ratelimits.');
    });
  });

  describe(`a bot on ${library.name}`, () => {
    it('answers interactions from a guild, and from a channel, that are not in the cache', async () => {
      const simulator = await start();
      const { gateway, adapter, client, internals, log } = await open(targetOf(simulator));
      under.answerInteractions(client);
      await gateway.connect();
      const [guildId = '', otherId = ''] = simulator.guildIds;
      internals.guilds.get(otherId)?.channels.clear();
      adapter.uncacheGuild(guildId);
      for (const from of [guildId, otherId]) {
        const { entry, answered } = simulator.runCommand({ name: 'ping', guildId: from });
        expect((await answered).content).toBe(`for ${entry.userId}`);
      }
      expect(log.lines.filter(({ level }) => level >= 40)).toEqual([]);
    });

    it('may be told of members in an interaction from a guild that is not in the cache', async () => {
      const simulator = await start();
      const { gateway, adapter, internals, log } = await open(targetOf(simulator));
      await gateway.connect();
      const [guildId = ''] = simulator.guildIds;
      const channelId = simulator.channelIdOf(guildId);
      const [first] = simulator.guilds.get(guildId).members;
      const { user, ...member } = structuredClone(first) ?? { user: undefined };
      adapter.uncacheGuild(guildId);
      let heard = 0;
      internals.on('interactionCreate' as 'warn', () => void heard++);
      const resolved = { users: { [String(user?.id)]: user }, members: { [String(user?.id)]: member } };
      const common = { id: '9', application_id: '8', type: 2, token: 'token', version: 1, entitlements: [] };
      const d = {
        ...{ ...common, guild_id: guildId, channel_id: channelId, app_permissions: '0' },
        member: { ...structuredClone(first), permissions: '0' },
        data: { id: '7', name: 'ban', type: 1, resolved },
      };
      // One line through a proxy that leaves out `guild` and `channel`, one as Discord sends it.
      adapter.dispatch(0, { op: 0, t: 'INTERACTION_CREATE', s: 98, d: structuredClone(d) }, 'emit');
      const full = { ...d, guild: { id: guildId, locale: 'en-US', features: [] }, channel: { id: channelId, type: 0 } };
      adapter.dispatch(0, { op: 0, t: 'INTERACTION_CREATE', s: 99, d: full }, 'emit');
      expect(heard).toBe(2);
      expect(log.lines.filter(({ level }) => level >= 40)).toEqual([]);
    });

    it('finds scheduled events, stages and threads of a guild from the store linked to each other', async () => {
      const simulator = await start();
      const { gateway, adapter, internals } = await open(targetOf(simulator));
      await gateway.connect();
      const raw = structuredClone(simulator.guilds.get(simulator.guildIds[0] ?? '')) as unknown as RawGuild;
      const stage = { id: '70', type: 13, name: 'stage', position: 9, permission_overwrites: [] };
      const event = { id: '71', name: 'play', channel_id: '70', creator: { id: '72', username: 'host' }, status: 1 };
      const instance = { id: '73', channel_id: '70', guild_id: raw.id, topic: 'play', guild_scheduled_event_id: '71' };
      const channels = [...(raw.channels as object[]), stage];
      adapter.cacheGuild(0, { ...raw, channels, guild_scheduled_events: [event], stage_instances: [instance] });
      const guild = internals.guilds.get(raw.id);
      expect(guild?.events.get('71')).toMatchObject({
        name: 'play',
        guild: { id: raw.id },
        channel: { name: 'stage' },
      });
      expect(guild?.events.get('71')).toHaveProperty('guild', guild);
      expect(internals.users.get('72')?.username).toBe('host');
      const live = guild?.stageInstances.get('73');
      expect(live?.guild).toBe(guild);
      expect(live?.channel).toBe(guild?.channels.get('70'));
      if (live !== undefined && 'guildScheduledEvent' in live) {
        expect(live.guildScheduledEvent).toBe(guild?.events.get('71'));
      }
    });

    it('has its requests end with it: those under way, those that wait for their rate limit, and later ones', async () => {
      const simulator = await start();
      const { gateway, adapter, internals } = await open(targetOf(simulator));
      await gateway.connect();
      const [guildId = ''] = simulator.guildIds;
      const channelId = simulator.channelIdOf(guildId);
      const seen: number[] = [];
      adapter.onRest((status) => void seen.push(status));
      const say = (content: string) => adapter.request('POST', `/channels/${channelId}/messages`, { content });
      const sent = Array.from({ length: 8 }, (_, index) => say(String(index)).then(String, String));
      await until(() => expect(seen).toHaveLength(5));
      simulator.faults.slowRest({ delayMs: 30_000 });
      const underWay = adapter.request('GET', '/users/@me').then(String, String);
      await until(() => expect(waitingOf(internals)).toBe(1));
      await gateway.stop();
      const stopped = 'Error: This client was stopped.';
      expect((await Promise.all(sent)).slice(5)).toEqual([stopped, stopped, stopped]);
      expect(await underWay).toBe(stopped);
      expect(await say('later').then(String, String)).toBe(stopped);
      expect(waitingOf(internals)).toBe(0);
    });
  });
}

/** How many rate limits wait for a timer. */
function waitingOf({ requestHandler }: ErisLikeClient): number {
  const timers = Object.values(requestHandler.ratelimits).map(({ processing }) => processing);
  return timers.filter((timer) => typeof timer === 'object' && !Reflect.get(timer, '_destroyed')).length;
}

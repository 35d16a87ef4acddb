import * as Dysnomia from '@projectdysnomia/dysnomia';
import * as Eris from 'eris';
import * as Oceanic from 'oceanic.js';
import { expect, it, onTestFinished } from 'vitest';
import type { ClientFactory } from '../../../src/cluster/clients/ClientAdapter.js';
import { dysnomia } from '../../../src/cluster/clients/dysnomia/index.js';
import { eris } from '../../../src/cluster/clients/eris/index.js';
import { oceanic } from '../../../src/cluster/clients/oceanic/index.js';
import { Gateway, GatewayLog } from '../../../src/cluster/gateway/index.js';
import { restOptions } from '../../../src/core/discord/rest/restOptions.js';
import type { Simulator } from '../../../src/simulator/index.js';
import { FAST, recordingLogger, SlotDesk, startSimulator, targetOf, until } from '../gateway/support.js';

const INTENTS = 513;
const EVENTS = [
  ...['connect', 'hello', 'shardPreReady', 'shardReady', 'shardResume', 'shardDisconnect', 'ready', 'disconnect'],
  ...['error', 'unknown', 'guildCreate', 'guildAvailable', 'unavailableGuildCreate', 'guildUnavailable', 'guildDelete'],
  'messageCreate',
];
/** Asked for here, and its answer: both come at any time. */
const HEARTBEATS: ReadonlySet<number> = new Set([1, 11]);

/** What eris, dysnomia and oceanic.js say of themselves alike. */
interface Client {
  readonly ready: boolean;
  readonly startTime: number;
  readonly uptime: number;
  readonly shards: { get(id: number): object | undefined };
  on(event: 'anything', listener: (...args: unknown[]) => void): unknown;
}

/** What a bot sees of its client, in order. */
function watch(client: Client): string[] {
  const seen: string[] = [];
  for (const event of EVENTS) {
    client.on(event as 'anything', (...args) => {
      const { status, ready, preReady } = (client.shards.get(0) ?? {}) as Record<string, unknown>;
      const shard = args.find((argument) => typeof argument === 'number') ?? '';
      seen.push(
        `${event} ${shard} (shard ${status} ${ready} ${preReady}, client ${client.ready} ${client.startTime > 0})`,
      );
    });
  }
  // The first two say the one, oceanic.js the other.
  for (const event of ['rawWS', 'packet']) {
    client.on(event as 'anything', (packet) => {
      const { op, t } = packet as { readonly op: number; readonly t?: string };
      if (!HEARTBEATS.has(op)) seen.push(`${event} ${op} ${t ?? ''}`);
    });
  }
  return seen;
}

/** Login, an event, a lost connection, and the rest: as a bot on this client sees it. */
async function story(
  simulator: Simulator,
  client: Client,
  connect: () => Promise<unknown>,
  state: object,
): Promise<string[]> {
  const seen = watch(client);
  const [guildId = ''] = simulator.guildIds;
  await connect();
  await until(() => expect(seen.join()).toContain('ready  ('));
  simulator.guilds.fail(guildId);
  simulator.guilds.recover(guildId);
  simulator.sendMessage({ guildId, content: 'hello' });
  await until(() => expect(seen.join()).toContain('messageCreate'));
  simulator.faults.dropSocket(0, { code: 4000 });
  await until(() => expect(seen.join()).toContain('shardResume'));
  const shard = client.shards.get(0);
  // A plain oceanic.js waits for its interval after a RESUME.
  simulator.faults.requestHeartbeat(0);
  await until(() => expect(Reflect.get(Object(shard), 'latency')).toBeLessThan(10_000));
  expect(shard).toMatchObject({
    status: 'ready',
    ready: true,
    connecting: false,
    lastHeartbeatAck: true,
    presence: { status: 'online' },
    ...state,
  });
  expect(client.uptime).toBeGreaterThanOrEqual(0);
  return seen;
}

interface Library {
  readonly name: string;
  readonly create: ClientFactory<unknown>;
  /** Of a shard after a RESUME, where the libraries differ. */
  readonly state: object;
  /** A stock client of it, and how it is connected. It is gone after the test. */
  plain(simulator: Simulator): { readonly client: unknown; connect(): Promise<unknown> };
}

const LIBRARIES: readonly Library[] = [
  {
    name: 'eris',
    create: eris({ intents: INTENTS }),
    state: { preReady: true },
    plain: ({ token, url }) => {
      const rest = restOptions(url);
      const client = new Eris.Client(`Bot ${token}`, { rest, intents: INTENTS, messageLimit: 0 });
      onTestFinished(() => {
        client.disconnect({ reconnect: false });
        rest.agent.destroy();
      });
      return { client, connect: () => client.connect() };
    },
  },
  {
    name: 'dysnomia',
    create: dysnomia({ gateway: { intents: INTENTS } }),
    state: { preReady: true },
    plain: ({ token, url }) => {
      const { domain, baseURL } = restOptions(url);
      const rest = { domain, baseURL, https: false, port: Number(new URL(url).port) };
      const client = new Dysnomia.Client(`Bot ${token}`, { rest, gateway: { intents: INTENTS } });
      onTestFinished(() => client.disconnect({ reconnect: false }));
      return { client, connect: () => client.connect() };
    },
  },
  {
    name: 'oceanic.js',
    create: oceanic({ gateway: { intents: INTENTS } }),
    state: { preReady: false },
    plain: ({ token, url }) => {
      const baseURL = new URL(url).origin + restOptions(url).baseURL;
      const gateway = { intents: INTENTS, maxShards: 1, concurrency: 1 };
      const client = new Oceanic.Client({ auth: `Bot ${token}`, rest: { baseURL }, gateway });
      onTestFinished(() => client.disconnect(false));
      return { client, connect: () => client.connect() };
    },
  },
];

it.each(LIBRARIES)(
  'a bot sees the same events and states of its shards as on a $name that connects by itself',
  async ({ create, state, plain }) => {
    const options = { guildCount: 6, shardCount: 1 };
    const simulator = await startSimulator(options);
    const { token, apiUrl, gatewayUrl } = targetOf(simulator);
    const log = new GatewayLog(recordingLogger().logger, token);
    const shards = { shardIds: [0], shardCount: 1 };
    const adapter = await create({ token, apiUrl, ...shards, log });
    const slots = { timings: FAST, acquireSlot: new SlotDesk().acquire };
    const gateway = new Gateway(adapter, { token, gatewayUrl, ...shards, ...slots }, log);
    onTestFinished(() => gateway.stop());
    const ours = await story(simulator, adapter.client as Client, () => gateway.connect(), state);

    const other = await startSimulator(options);
    const { client, connect } = plain(other);
    (client as Client).on('error' as 'anything', () => {});
    expect(ours).toEqual(await story(other, client as Client, connect, state));
  },
);

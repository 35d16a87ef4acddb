import type {
  CacheCounts,
  ClientAdapter,
  ClientSetup,
  ConnectionChange,
  ConnectionWishes,
  DispatchMode,
  RawGuild,
  RequestHow,
  RequestMethod,
} from '../../src/cluster/clients/ClientAdapter.js';
import type { BotIdentity, GatewayPacket } from '../../src/core/discord/packets.js';
import { GUILD_MESSAGES, GUILDS, MESSAGE_CONTENT } from './gateway/support.js';

/** A client library that knows the ids of its guilds, and writes down what it is told. */
export class FakeAdapter implements ClientAdapter<FakeAdapter> {
  public readonly client = this;
  public readonly connection: ConnectionWishes = {
    intents: GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT,
    compress: false,
    guildTimeoutMs: 2_000,
  };
  /** The content of each message that was handled with listeners. */
  public readonly heard: string[] = [];
  public identity: BotIdentity | undefined;
  public stops = 0;
  /** What `stop` does besides. */
  public onStop: () => Promise<void> = async () => undefined;
  readonly #guilds = new Map<string, number>();

  public constructor(private readonly setup: Pick<ClientSetup, 'apiUrl' | 'token'>) {}

  public attach(): void {}

  public restoreIdentity(identity: BotIdentity): void {
    this.identity = identity;
  }

  public cacheGuild(shardId: number, { id }: RawGuild): void {
    this.#guilds.set(id, shardId);
  }

  public cacheUnavailableGuild(shardId: number, guildId: string): void {
    this.#guilds.set(guildId, shardId);
  }

  public uncacheGuild(guildId: string): void {
    this.#guilds.delete(guildId);
  }

  public guildIds(shardId: number): string[] {
    return [...this.#guilds].filter(([, shard]) => shard === shardId).map(([id]) => id);
  }

  public restorePresence(): void {}

  public counts(): CacheCounts {
    return { users: 0, guilds: new Map([...this.#guilds.values()].map((id) => [id, this.guildIds(id).length])) };
  }

  public lookUp(): null {
    return null;
  }

  public dispatch(shardId: number, { t, d }: GatewayPacket, mode: DispatchMode): void {
    const data = d as { readonly id: string; readonly content?: string };
    if (t === 'GUILD_CREATE') this.#guilds.set(data.id, shardId);
    if (t === 'GUILD_DELETE') this.#guilds.delete(data.id);
    if (t === 'MESSAGE_CREATE' && mode === 'emit') this.heard.push(data.content ?? '');
  }

  public control(): void {}

  public shardState(_shardId: number, _change: ConnectionChange): void {}

  public shardLatency(): void {}

  public async request(method: RequestMethod, path: string, body?: object, { auth = true }: RequestHow = {}) {
    const response = await fetch(`${this.setup.apiUrl}/v10${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(auth ? { authorization: `Bot ${this.setup.token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  public onRest(): void {}

  public async stop(): Promise<void> {
    this.stops++;
    await this.onStop();
  }
}

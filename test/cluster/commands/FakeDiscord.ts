import { EventEmitter } from 'node:events';
import type { Client } from 'eris';
import type { ClusterContext } from '../../../src/cluster/ClusterContext.js';

export const BOT_ID = '800000000000000001';
export const OWNER_ID = '900000000000000001';
export const USER_ID = '900000000000000002';
/** With 8 shards, a guild of shard 3. */
export const GUILD_ID = String((210_000_000_003n << 22n) + 1n);
const CHANNEL_ID = '700000000000000001';

export interface RestCall {
  readonly method: string;
  readonly url: string;
  readonly auth: boolean;
  readonly body: Record<string, unknown>;
  readonly route: string | undefined;
}

/** An error as eris makes it of a refusal by Discord. */
export class DiscordError extends Error {
  public constructor(public readonly code: number) {
    super(`refused with ${code}`);
  }
}

/**
 * Plays the eris client for the router: an emitter, and a requestHandler that writes down what would go to Discord. Fields
 * that nothing here needs are not there.
 */
export class FakeDiscord extends EventEmitter {
  public readonly user = { id: BOT_ID, username: 'Kallisti' };
  public readonly calls: RestCall[] = [];
  /** Decides what a call gets; a thrown or rejected error is Discord's refusal. */
  public answerWith: (call: RestCall) => unknown = () => undefined;
  #nextId = 1n;

  public readonly requestHandler = {
    request: async (
      method: string,
      url: string,
      auth: boolean,
      body: Record<string, unknown> = {},
      _file?: undefined,
      route?: string,
    ): Promise<unknown> => {
      const call = { method, url, auth, body, route };
      this.calls.push(call);
      return (await this.answerWith(call)) ?? { id: `message-${this.#nextId++}`, content: body.content };
    },
  };

  public runSlash(
    name: string,
    options: Record<string, unknown> = {},
    from: { userId?: string; guildId?: string } = {},
  ) {
    const { userId = USER_ID, guildId = GUILD_ID } = from;
    const id = String(this.#nextId++);
    this.emit('interactionCreate', {
      id,
      token: `token-of-${id}`,
      applicationID: BOT_ID,
      type: 2,
      guildID: guildId,
      member: { id: userId },
      data: { name, type: 1, options: Object.entries(options).map(([key, value]) => ({ name: key, value })) },
    });
    return id;
  }

  public say(content: string, from: { userId?: string; guildId?: string | undefined; bot?: boolean } = {}): string {
    const { userId = USER_ID, guildId = 'guildId' in from ? undefined : GUILD_ID, bot = false } = from;
    const id = String(this.#nextId++);
    this.emit('messageCreate', {
      id,
      content,
      channel: { id: CHANNEL_ID },
      guildID: guildId,
      author: { id: userId, bot },
    });
    return id;
  }

  /** Every text that was sent, in order. */
  public get texts(): string[] {
    return this.calls.map(({ body }) =>
      String((body.data as { content?: string } | undefined)?.content ?? body.content),
    );
  }

  public get lastText(): string {
    return this.texts.at(-1) ?? '';
  }
}

export interface FakeMaster {
  readonly requests: { name: string; data: unknown }[];
  /** Name -> reply, error, or a function that makes either. */
  readonly replies: Record<string, unknown>;
}

/** A cluster with a fake client and a fake master around it. */
export function fakeContext(discord: FakeDiscord): { context: ClusterContext; master: FakeMaster } {
  const master: FakeMaster = { requests: [], replies: {} };
  const context: ClusterContext = {
    clusterId: 1,
    clusterCount: 4,
    shardCount: 8,
    client: discord as unknown as Client,
    ownerIds: new Set([OWNER_ID]),
    latencyMs: (shardId) => (shardId === 3 ? 41.6 : null),
    master: {
      async request(name: string, data: unknown) {
        master.requests.push({ name, data });
        const reply = master.replies[name];
        const value = typeof reply === 'function' ? await reply(data) : reply;
        if (value instanceof Error) throw value;
        return value as never;
      },
    },
  };
  return { context, master };
}

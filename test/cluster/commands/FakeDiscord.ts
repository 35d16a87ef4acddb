import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterContext } from '../../../src/cluster/ClusterContext.js';
import type { RequestHow } from '../../../src/cluster/clients/ClientAdapter.js';
import type { ErisClient } from '../../../src/cluster/clients/eris/index.js';
import type { CommandRouter } from '../../../src/cluster/commands/CommandRouter.js';
import type { BotIdentity, GatewayPacket } from '../../../src/core/discord/packets.js';

export const BOT_ID = '800000000000000001';
export const OWNER_ID = '900000000000000001';
export const USER_ID = '900000000000000002';
/** With 8 shards, a guild of shard 3. */
export const GUILD_ID = String((210_000_000_003n << 22n) + 1n);
const CHANNEL_ID = '700000000000000001';

export interface RestCall {
  readonly method: string;
  readonly url: string;
  readonly body: Record<string, unknown>;
  readonly auth: boolean | undefined;
  readonly lane: string | undefined;
}

/** An error as an adapter makes it of a refusal by Discord. */
export class DiscordError extends Error {
  public constructor(public readonly code: number) {
    super(`refused with ${code}`);
  }
}

/** Plays Discord for the router: sends dispatches, and writes down what would be requested. */
export class FakeDiscord {
  public identity: BotIdentity | null = {
    user: { id: BOT_ID, username: 'Kallisti' },
    application: { id: BOT_ID, flags: 0 },
  };
  /** Gets the dispatches, all from shard 3. */
  public receive: (shardId: number, packet: GatewayPacket) => void = () => {};
  public readonly calls: RestCall[] = [];
  /** Decides what a call gets; a thrown or rejected error is Discord's refusal. */
  public answerWith: (call: RestCall) => unknown = () => undefined;
  #nextId = 1n;

  public async request(method: string, url: string, data: object = {}, how: RequestHow = {}): Promise<unknown> {
    const body = data as Record<string, unknown>;
    const call = { method, url, body, auth: how.auth, lane: how.lane };
    this.calls.push(call);
    return (await this.answerWith(call)) ?? { id: `message-${this.#nextId++}`, content: body.content };
  }

  public dispatch(t: 'INTERACTION_CREATE' | 'MESSAGE_CREATE', d: object, shardId = 3): void {
    this.receive(shardId, { op: 0, t, d, s: 1 });
  }

  public runSlash(
    name: string,
    options: Record<string, unknown> = {},
    from: { userId?: string; guildId?: string } = {},
  ) {
    const { userId = USER_ID, guildId = GUILD_ID } = from;
    const id = String(this.#nextId++);
    this.dispatch('INTERACTION_CREATE', {
      id,
      token: `token-of-${id}`,
      application_id: BOT_ID,
      type: 2,
      guild_id: guildId,
      member: { user: { id: userId } },
      data: { name, type: 1, options: Object.entries(options).map(([key, value]) => ({ name: key, value })) },
    });
    return id;
  }

  public say(content: string, from: { userId?: string; guildId?: string | undefined; bot?: boolean } = {}): string {
    const { userId = USER_ID, guildId = 'guildId' in from ? undefined : GUILD_ID, bot = false } = from;
    const id = String(this.#nextId++);
    this.dispatch('MESSAGE_CREATE', {
      id,
      content,
      channel_id: CHANNEL_ID,
      ...(guildId === undefined ? {} : { guild_id: guildId }),
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

/** What a context says outside of any dispatch. */
export const noDispatch: Pick<ClusterContext, 'hold' | 'attempt' | 'whileOwned'> = {
  hold: (work) => work,
  attempt: 1,
  whileOwned: (start) => start(new AbortController().signal),
};

/** Resolves when no command runs. */
export async function idle({ running }: Pick<CommandRouter, 'running'>): Promise<void> {
  while (running.size > 0) await sleep(1);
}

/** A cluster with a fake client and a fake master around it. */
export function fakeContext(): { context: ClusterContext; master: FakeMaster } {
  const master: FakeMaster = { requests: [], replies: {} };
  const context: ClusterContext = {
    clusterId: 1,
    clusterCount: 4,
    shardCount: 8,
    client: {} as ErisClient,
    ownerIds: new Set([OWNER_ID]),
    latencyMs: (shardId) => (shardId === 3 ? 41.6 : null),
    ...noDispatch,
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

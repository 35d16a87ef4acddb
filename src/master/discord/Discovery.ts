import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { DiscordRefusedError } from '../../core/errors.js';
import { JsonFile } from '../../core/files/JsonFile.js';
import type { Logger } from '../../core/log/logger.js';
import { Backoff } from '../../core/time/backoff.js';
import { type Clock, sleep, systemClock } from '../../core/time/clock.js';
import { type ApplicationInfo, type DiscordApi, DiscordRequestError, type GatewayInfo } from './DiscordApi.js';

/** What a master must know of Discord and of the bot before it can start clusters. */
export interface DiscoveredBot {
  readonly gateway: GatewayInfo;
  /** Undefined where it cannot be read. No slash commands are registered then, and only OWNER_IDS are owners. */
  readonly application: ApplicationInfo | undefined;
}

const schema = z.object({
  version: z.literal(1),
  /** Digest of token and API: what Discord said to another bot is of no use. */
  key: z.string(),
  gateway: z.object({
    url: z.string(),
    shards: z.number().int().positive(),
    sessionStartLimit: z.object({
      total: z.number(),
      remaining: z.number(),
      resetAfterMs: z.number(),
      maxConcurrency: z.number().int().positive(),
    }),
  }),
  application: z.object({ id: z.string(), ownerIds: z.array(z.string()).readonly() }).optional(),
});

export interface DiscoveryOptions {
  readonly api: Pick<DiscordApi, 'getGateway' | 'getApplication'>;
  readonly dataDir: string;
  readonly token: string;
  readonly apiUrl: string;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Asks Discord what a master needs to know, and remembers the answer. A master that takes over running clusters must not wait for
 * Discord, which may be slow or limit the request: the clusters do not wait for long.
 */
export class Discovery {
  readonly #api: DiscoveryOptions['api'];
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #key: string;
  readonly #logger: Logger;
  readonly #clock: Clock;

  public constructor(options: DiscoveryOptions) {
    this.#api = options.api;
    this.#file = new JsonFile(join(options.dataDir, 'discovery.json'), schema);
    this.#key = createHash('sha256').update(`${options.apiUrl}\n${options.token}`).digest('hex');
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
  }

  /** @returns what Discord has said to an earlier master of this bot. Undefined where there is none. */
  public remembered(): DiscoveredBot | undefined {
    const bot = this.#file.tryRead();
    return bot?.key === this.#key ? { gateway: bot.gateway, application: bot.application } : undefined;
  }

  /**
   * Asks Discord. While it cannot be reached that is logged, and Discord is asked again after 1 s, 2 s, 4 s ... 60 s, with jitter.
   *
   * @throws DiscordRefusedError for a wrong token, which no retry can cure; AbortError when `signal` fires.
   */
  public async ask(signal: AbortSignal): Promise<DiscoveredBot> {
    const gateway = await this.#askGateway(signal);
    const bot = { gateway, application: await this.#askApplication() };
    this.#remember(bot);
    return bot;
  }

  async #askGateway(signal: AbortSignal): Promise<GatewayInfo> {
    // Not by p-retry (7 is the last for Node 20): it does not say how long it will wait, and only knows the real clock.
    const backoff = new Backoff({ firstDelayMs: 1000, baseDelayMs: 2000 });
    for (;;) {
      try {
        return await this.#api.getGateway(signal);
      } catch (error) {
        if (!(error instanceof DiscordRequestError)) throw error;
        const delayMs = backoff.nextDelayMs();
        const message = `${error.message}; trying again in ${Math.round(delayMs / 1000)} s`;
        this.#logger.warn({ attempt: backoff.failures }, message);
        await sleep(this.#clock, delayMs, signal);
      }
    }
  }

  async #askApplication(): Promise<ApplicationInfo | undefined> {
    try {
      return await this.#api.getApplication();
    } catch (error) {
      if (error instanceof DiscordRefusedError) throw error;
      const consequence = 'no slash commands are registered, and only OWNER_IDS are owners';
      this.#logger.warn({ err: error }, `the application could not be read: ${consequence}`);
      return undefined;
    }
  }

  #remember({ gateway, application }: DiscoveredBot): void {
    const consequence = 'a master that takes running clusters over will have to wait for Discord';
    this.#file.save({ version: 1, key: this.#key, gateway, application }, this.#logger, consequence);
  }
}

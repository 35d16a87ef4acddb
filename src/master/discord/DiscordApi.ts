import { Client, type RawRESTRequest, type RequestMethod } from 'eris';
import { z } from 'zod';
import type { CommandDefinition } from '../../core/contracts/ClusterContract.js';
import { describeRestFailure, type RestFailure } from '../../core/discord/rest/restFailure.js';
import { type RestOptions, restOptions } from '../../core/discord/rest/restOptions.js';
import { type SessionStartLimit, sessionStartLimitSchema } from '../../core/discord/sessionStartLimit.js';
import { AbortError, DiscordRefusedError, KallistiError } from '../../core/errors.js';
import { type Clock, systemClock } from '../../core/time/clock.js';

export interface DiscordApiOptions {
  readonly token: string;
  /** For example `https://discord.com/api`. */
  readonly apiUrl: string;
  /**
   * How long an answer may take before its request fails, in milliseconds. Default 20 000: eris gives one attempt 15 000.
   */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
}

/** Answer of `GET /gateway/bot`. */
export interface GatewayInfo {
  readonly url: string;
  /** Shards that Discord recommends. */
  readonly shards: number;
  readonly sessionStartLimit: SessionStartLimit;
}

export interface ApplicationInfo {
  readonly id: string;
  /** Its owner, or those members of its team that may change it. */
  readonly ownerIds: readonly string[];
}

/** Discord gave no usable answer. `status` is that of HTTP, where there was one. */
export class DiscordRequestError extends KallistiError {
  public readonly status: number | undefined;

  public constructor(host: string, what: string, failure: RestFailure) {
    super('DISCORD_UNREACHABLE', `${host}: ${what} failed: ${failure.reason}`, { cause: failure.cause });
    this.status = failure.status;
  }
}

interface Call {
  readonly method: RequestMethod;
  readonly path: string;
  readonly body?: object;
  /** The call in words, for errors: a path can hold an interaction's token. Default: method and path. */
  readonly what?: string;
  /** Whether the bot's token is sent. Default true. Where it is not, the path itself is the permission. */
  readonly authorised?: boolean;
  /** Default: that of {@link DiscordApiOptions}. */
  readonly timeoutMs?: number;
}

const gatewaySchema = z
  .object({
    url: z.string().regex(/^wss?:\/\//),
    shards: z.number().int().min(1),
    session_start_limit: sessionStartLimitSchema,
  })
  .transform(
    ({ url, shards, session_start_limit }): GatewayInfo => ({ url, shards, sessionStartLimit: session_start_limit }),
  );

const userSchema = z.object({ id: z.string() });
const applicationSchema = z.object({
  id: z.string(),
  owner: userSchema.nullish(),
  team: z
    .object({
      owner_user_id: z.string().nullish(),
      members: z.array(
        z.object({ membership_state: z.number().optional(), role: z.string().optional(), user: userSchema }),
      ),
    })
    .nullish(),
  integration_types_config: z.record(z.string(), z.unknown()).nullish(),
});

const commandSchema = z.looseObject({ id: z.string(), name: z.string(), type: z.number().default(1) });

/** A command as Discord keeps it, with all of its fields. */
export type RegisteredCommand = Readonly<z.infer<typeof commandSchema>>;

/** discord.com/developers/docs/resources/application#application-object-application-integration-types */
const GUILD_INSTALL = 0;

/** Discord takes about five changes of commands in 20 s, and eris waits inside the request until it may send the next. In ms. */
const COMMAND_TIMEOUT_MS = 120_000;

/** `membership_state` of one who has accepted the invitation (discord.com/developers/docs/topics/teams#data-models). */
const ACCEPTED = 2;

/**
 * The master's way to Discord's REST API: what it needs and no more.
 *
 * It uses eris's client, which obeys rate limits, and never connects it. An error is one line, names the host and never holds the
 * token: {@link DiscordRefusedError} where Discord does not accept the token, else {@link DiscordRequestError}. Nothing is
 * retried but what eris retries (429).
 */
export class DiscordApi {
  readonly #client: Client;
  readonly #rest: RestOptions;
  readonly #host: string;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #closed = new AbortController();

  public constructor(options: DiscordApiOptions) {
    this.#rest = restOptions(options.apiUrl);
    this.#host = new URL(options.apiUrl).host;
    this.#timeoutMs = options.requestTimeoutMs ?? 20_000;
    this.#clock = options.clock ?? systemClock;
    this.#client = new Client(`Bot ${options.token}`, { intents: [], rest: this.#rest });
    this.#client.on('rawREST', refuseEndlessRetry);
    // Without a listener an 'error' event would end the master. The caller of a request gets its failure.
    this.#client.on('error', () => undefined);
  }

  /** @throws AbortError when `signal` fires. */
  public async getGateway(signal?: AbortSignal): Promise<GatewayInfo> {
    return this.#request({ method: 'GET', path: '/gateway/bot' }, gatewaySchema, signal);
  }

  public async getApplication(): Promise<ApplicationInfo> {
    const application = await this.#getApplication();
    return { id: application.id, ownerIds: ownersOf(application) };
  }

  /** The application's integration types. A command that does not name its own has these. */
  public async getIntegrationTypes(): Promise<readonly number[]> {
    const types = Object.keys((await this.#getApplication()).integration_types_config ?? {}).map(Number);
    return types.length === 0 ? [GUILD_INSTALL] : types;
  }

  /** The global commands as Discord keeps them. */
  public async getCommands(applicationId: string): Promise<readonly RegisteredCommand[]> {
    // Without `with_localizations`, Discord leaves out how names and descriptions are translated.
    const call = { method: 'GET', path: commandsPath(applicationId), body: { with_localizations: true } } as const;
    return this.#request(call, z.array(commandSchema));
  }

  /** Makes a global command, or overwrites the one of the same name. The others stay as they are. */
  public async createCommand(applicationId: string, command: CommandDefinition): Promise<RegisteredCommand> {
    return this.#changeCommands({ method: 'POST', path: commandsPath(applicationId), body: command }, commandSchema);
  }

  /** Makes these the global commands, and removes all others. */
  public async overwriteCommands(
    applicationId: string,
    commands: readonly CommandDefinition[],
  ): Promise<readonly RegisteredCommand[]> {
    return this.#changeCommands(
      { method: 'PUT', path: commandsPath(applicationId), body: commands },
      z.array(commandSchema),
    );
  }

  /** Changes the given fields of a global command. */
  public async editCommand(applicationId: string, id: string, fields: object): Promise<RegisteredCommand> {
    return this.#changeCommands(
      { method: 'PATCH', path: commandsPath(applicationId, id), body: fields },
      commandSchema,
    );
  }

  public async deleteCommand(applicationId: string, id: string): Promise<void> {
    await this.#changeCommands({ method: 'DELETE', path: commandsPath(applicationId, id) }, z.unknown());
  }

  /** Edits the answer to a command, whichever process sent it. Works for 15 minutes from the command on. */
  public async editInteractionAnswer(applicationId: string, interactionToken: string, content: string): Promise<void> {
    await this.#request({
      method: 'PATCH',
      path: `/webhooks/${applicationId}/${interactionToken}/messages/@original`,
      body: { content, allowed_mentions: { parse: [] } },
      what: 'editing the answer to a command',
      authorised: false,
    });
  }

  public async editMessage(channelId: string, messageId: string, content: string): Promise<void> {
    await this.#request({
      method: 'PATCH',
      path: `/channels/${channelId}/messages/${messageId}`,
      body: { content, allowed_mentions: { parse: [] } },
    });
  }

  /** Ends every connection. Requests under way fail. */
  public close(): void {
    this.#closed.abort();
    this.#rest.agent.destroy();
  }

  async #getApplication(): Promise<z.infer<typeof applicationSchema>> {
    const ask = (path: string) => this.#request({ method: 'GET', path }, applicationSchema);
    return ask('/applications/@me').catch((error: unknown) => {
      if (error instanceof DiscordRequestError && error.status === 404) return ask('/oauth2/applications/@me');
      throw error;
    });
  }

  #changeCommands<Answer>(call: Call, schema: z.ZodType<Answer>): Promise<Answer> {
    return this.#request({ ...call, timeoutMs: COMMAND_TIMEOUT_MS }, schema, this.#closed.signal);
  }

  async #request(call: Call): Promise<unknown>;
  async #request<Answer>(call: Call, schema: z.ZodType<Answer>, signal?: AbortSignal): Promise<Answer>;
  async #request(call: Call, schema: z.ZodType = z.unknown(), signal?: AbortSignal): Promise<unknown> {
    const what = call.what ?? `${call.method} ${call.path}`;
    const { authorised = true } = call;
    let answer: unknown;
    try {
      // eris's typings know only objects as a body. It takes anything that can be written as JSON.
      const body = call.body as Record<string, unknown> | undefined;
      const asked = this.#client.requestHandler.request(call.method, call.path, authorised, body);
      answer = await this.#settle(what, asked, call.timeoutMs ?? this.#timeoutMs, signal);
    } catch (error) {
      if (error instanceof AbortError) throw error;
      const failure = describeRestFailure(error);
      // An interaction's token that has expired gives a 401 as well. That says nothing about the bot's token.
      if (failure.status === 401 && authorised) {
        throw new DiscordRefusedError(
          `DISCORD_TOKEN is not valid: ${this.#host} answered 401. Reset it in the developer portal`,
        );
      }
      throw new DiscordRequestError(this.#host, what, failure);
    }
    const parsed = schema.safeParse(parseIfText(answer));
    if (parsed.success) return parsed.data;
    const cause = new Error(z.prettifyError(parsed.error));
    const reason = 'the answer is not what Discord sends; is DISCORD_API_URL right?';
    throw new DiscordRequestError(this.#host, what, { reason, status: undefined, cause });
  }

  /** eris's requests take no signal and have no deadline: one that is rate limited waits for as long as Discord says. */
  #settle(what: string, asked: Promise<unknown>, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(
        () => end(() => reject(new Error(`no answer within ${timeoutMs} ms`))),
        timeoutMs,
      );
      const abort = (): void => end(() => reject(new AbortError(what, signal?.reason)));
      const end = (settle: () => void): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        settle();
      };
      asked.then(
        (answer) => end(() => resolve(answer)),
        (error: unknown) => end(() => reject(error)),
      );
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

/**
 * eris repeats a request that gets a 502 for ever: its count of attempts begins anew each time (RequestHandler.js:315). It gives up
 * at once on a 503, and the caller decides.
 */
function refuseEndlessRetry({ resp }: RawRESTRequest): void {
  if (resp.statusCode === 502) resp.statusCode = 503;
}

/** eris parses only answers of the exact type `application/json`. */
function parseIfText(answer: unknown): unknown {
  if (typeof answer !== 'string') return answer;
  try {
    return JSON.parse(answer);
  } catch {
    return answer; // Most likely an HTML page. The schema refuses it.
  }
}

function commandsPath(applicationId: string, commandId?: string): string {
  return `/applications/${applicationId}/commands${commandId === undefined ? '' : `/${commandId}`}`;
}

function ownersOf({ owner, team }: z.infer<typeof applicationSchema>): string[] {
  if (team === null || team === undefined) return owner === null || owner === undefined ? [] : [owner.id];
  const members = team.members
    .filter(({ membership_state, role }) => (membership_state ?? ACCEPTED) === ACCEPTED && role !== 'read_only')
    .map(({ user }) => user.id);
  // The team's owner has no role of their own.
  return [...new Set([...(typeof team.owner_user_id === 'string' ? [team.owner_user_id] : []), ...members])];
}

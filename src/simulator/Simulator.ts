import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { Account } from './account/Account.js';
import { controlRoutes } from './control/controlRoutes.js';
import { FaultPlan } from './faults/FaultPlan.js';
import { Faults } from './faults/Faults.js';
import { ClientRequests } from './gateway/ClientRequests.js';
import { Credentials, secretToken } from './gateway/Credentials.js';
import { Gateway, RESUME_PATH } from './gateway/Gateway.js';
import { GuildLoader } from './gateway/GuildLoader.js';
import { Handshake } from './gateway/Handshake.js';
import { IdentifyGate } from './gateway/IdentifyGate.js';
import { type ResolvedOptions, resolveOptions, type SimulatorOptions } from './options.js';
import { Api } from './rest/Api.js';
import { applicationsRoutes } from './rest/applicationsRoutes.js';
import { BotMessages } from './rest/BotMessages.js';
import { Commands } from './rest/Commands.js';
import { channelsRoutes } from './rest/channelsRoutes.js';
import { gatewayRoutes } from './rest/gatewayRoutes.js';
import { guildsRoutes } from './rest/guildsRoutes.js';
import { InteractionResponses } from './rest/InteractionResponses.js';
import { interactionsRoutes } from './rest/interactionsRoutes.js';
import { usersRoutes } from './rest/usersRoutes.js';
import { Guilds } from './users/Guilds.js';
import type { Interaction } from './users/Interaction.js';
import { type CommandRequest, type ComponentRequest, Interactions } from './users/Interactions.js';
import { Messages, type SentMessage, type UserMessage } from './users/Messages.js';
import { Traffic } from './users/Traffic.js';
import type { Json } from './world/payloads.js';
import { World } from './world/World.js';

/** Interaction tokens are longer than fastify's own limit of 100 characters, which would make them unknown paths. */
const MAX_PARAMETER_LENGTH = 512;

/**
 * A local Discord: REST and gateway on one loopback port, with guilds, users that run commands, faults on demand, and an
 * account of everything that happened. It refuses what Discord refuses.
 *
 * `start()` listens. `stop()` closes everything and leaves no handle behind. An instance can be started once.
 */
export class Simulator {
  readonly options: ResolvedOptions;
  readonly account: Account;
  readonly faults: Faults;
  readonly traffic: Traffic;
  /** Changes guilds, channels, roles, members and threads, and tells the gateway of it. */
  readonly guilds: Guilds;
  readonly commands: Commands;
  /** The token of the control routes, for `Authorization: Bearer`. Undefined without the option `control`. */
  readonly controlToken: string | undefined;
  readonly #plan = new FaultPlan();
  readonly #world: World;
  readonly #gate: IdentifyGate;
  readonly #gateway: Gateway;
  readonly #requests: ClientRequests;
  readonly #messages: Messages;
  readonly #interactions: Interactions;
  readonly #api: Api;
  #app: FastifyInstance | undefined;
  /** Stays after `stop()`: `url` must not throw for a client that still ends. */
  #boundPort: number | undefined;

  constructor(options: SimulatorOptions = {}) {
    this.options = resolveOptions(options);
    this.controlToken = this.options.control ? secretToken() : undefined;
    const plan = this.#plan;
    const credentials = new Credentials(this.options.token);
    const { maxConcurrency, identifyIntervalMs, sessionStartLimit, seed } = this.options;
    this.#world = new World(this.options);
    this.#gate = new IdentifyGate(maxConcurrency, identifyIntervalMs, sessionStartLimit);
    this.account = new Account(this.options, () => this.#gate.remaining);
    const loader = new GuildLoader(this.#world);
    this.#gateway = new Gateway(this.options, this.account, plan, loader);
    const handshake = new Handshake({
      options: this.options,
      account: this.account,
      credentials,
      gate: this.#gate,
      gateway: this.#gateway,
      loader,
      plan,
      world: this.#world,
      resumeUrl: () => `${this.gatewayUrl}${RESUME_PATH}`,
    });
    this.#requests = new ClientRequests(handshake, this.#gateway, this.#world);
    this.commands = new Commands(this.#world);
    this.#messages = new Messages(this.#world, this.#gateway, this.account);
    this.#interactions = new Interactions(
      this.options,
      this.#world,
      this.#gateway,
      this.account,
      (name, guildId) => this.commands.findByName(name, guildId),
      this.#messages,
    );
    this.#api = new Api(this.options, this.account, credentials, plan);
    this.guilds = new Guilds(this.#world, this.#gateway);
    this.faults = new Faults(plan, this.#gateway, this.#gate);
    const isOnlineIn = (guildId: string) => loader.seen.has(guildId);
    this.traffic = new Traffic(seed, this.botId, this.#world, this.#interactions, this.#messages, isOnlineIn);
  }

  /** Listens. Rejects if the port is in use (`EADDRINUSE`). */
  async start(): Promise<void> {
    if (this.#app !== undefined) throw new Error('the simulator has been started already');
    const app = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH } });
    this.#app = app;
    this.#api.register(app, this.#routes());
    if (this.controlToken !== undefined) app.register(controlRoutes(this, this.controlToken), { prefix: '/simulator' });
    app.server.on('upgrade', (request, socket, head) => this.#gateway.handleUpgrade(request, socket, head));
    this.#gateway.start((connection, opcode, data) => this.#requests.handle(connection, opcode, data));
    try {
      await app.listen({ host: this.options.host, port: this.options.port });
    } catch (error) {
      this.#gateway.stop();
      throw error;
    }
  }

  /** Ends traffic, connections and the server, and rejects what waits for an answer. It may be called twice. */
  async stop(): Promise<void> {
    this.traffic.stop();
    this.#interactions.stop();
    this.#messages.stop();
    this.#gateway.stop();
    await this.#app?.close();
  }

  /** Base URL of the REST API, for `DISCORD_API_URL`. */
  get url(): string {
    return `http://${this.#address}/api`;
  }

  get gatewayUrl(): string {
    return `ws://${this.#address}`;
  }

  get token(): string {
    return this.options.token;
  }

  get botId(): string {
    return this.#world.bot.id;
  }

  get applicationId(): string {
    return this.#world.applicationId;
  }

  /** The user who owns the application. If a team owns it: the first member of the team. */
  get ownerId(): string {
    return this.#world.ownerId;
  }

  get ownerIds(): readonly string[] {
    return this.#world.ownerIds;
  }

  /** What a shard's client has last said of itself, in the session that the shard has now. */
  presenceOf(shardId: number): Json | undefined {
    return this.#gateway.sessionsOfShard(shardId).at(-1)?.presence;
  }

  /** The guilds that the bot is in now. */
  get guildIds(): string[] {
    return this.#world.guildIds;
  }

  guildIdsOfShard(shardId: number, shardCount: number): string[] {
    return this.#world.guildIdsOfShard(shardId, shardCount);
  }

  /** A member of the guild who is not the bot: number `index`, modulo how many there are. Throws a RangeError if there is none. */
  memberIdOf(guildId: string, index = 0): string {
    const member = this.#world.someMember(guildId, index);
    if (member === undefined) throw new RangeError(`no guild ${guildId}, or nobody in it`);
    return member.user.id;
  }

  /** The guild's first text channel. Users act there unless a call names another one. Throws a RangeError without a guild. */
  channelIdOf(guildId: string): string {
    const channel = this.#world.defaultChannel(guildId);
    if (channel === undefined) throw new RangeError(`no guild ${guildId}`);
    return channel.id;
  }

  /** A user runs a slash command, registered or not. */
  runCommand(request: CommandRequest): Interaction {
    return this.#interactions.runCommand(request);
  }

  /** A user's client asks for completions of the option named `focused`. */
  autocomplete(request: CommandRequest & { focused: string }): Interaction {
    return this.#interactions.autocomplete(request);
  }

  /** A user presses a button under a message of the bot. */
  pressComponent(request: ComponentRequest): Interaction {
    return this.#interactions.pressComponent(request);
  }

  /** A user sends a message. The bot gets its content if the message mentions it, or if the bot has the intent. */
  sendMessage(message: UserMessage): SentMessage {
    return this.#messages.send(message);
  }

  /** Sends any event of a guild to the sessions it concerns. It does not change the world. */
  emitGuildEvent(event: string, guildId: string, data: unknown): void {
    this.#gateway.dispatchToGuild(event, guildId, data);
  }

  get #address(): string {
    const address = this.#app?.server.address() as AddressInfo | null | undefined;
    if (address !== null && address !== undefined) this.#boundPort = address.port;
    if (this.#boundPort === undefined) throw new Error('the simulator has not been started');
    const { host } = this.options;
    return `${host === '::1' ? '[::1]' : host}:${this.#boundPort}`;
  }

  #routes() {
    const { allowedPrivilegedIntents, interactionTokenLifetimeMs, shardCount } = this.options;
    const messages = new BotMessages(this.#world, this.#messages);
    const responses = new InteractionResponses(
      this.#interactions,
      interactionTokenLifetimeMs,
      this.#world,
      this.account,
      messages,
    );
    return [
      ...gatewayRoutes(
        this.#gate,
        () => this.#plan.recommendedShards ?? shardCount,
        () => this.gatewayUrl,
      ),
      ...usersRoutes(this.#world),
      ...applicationsRoutes(this.#world, this.commands),
      ...interactionsRoutes(responses),
      ...channelsRoutes(this.#world, this.#gateway, messages),
      ...guildsRoutes(this.#world, allowedPrivilegedIntents),
    ];
  }
}

import { randomBytes } from 'node:crypto';
import type { Account } from '../account/Account.js';
import type { InteractionEntry } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Gateway } from '../gateway/Gateway.js';
import type { ResolvedOptions } from '../options.js';
import type { CommandPayload, Json, MessagePayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import { Interaction, type InteractionKind } from './Interaction.js';
import { commandData, interactionPayload } from './interactionPayload.js';
import type { Messages } from './Messages.js';

/** If there are more, settled interactions are forgotten before their tokens expire. */
const LIVE_KEPT = 50_000;

export type OptionValue = string | number | boolean;

export interface CommandRequest {
  /** As the user sees it, with subcommands after a space: `config set`. */
  name: string;
  options?: Record<string, OptionValue>;
  guildId: string;
  channelId?: string;
  userId?: string;
}

export interface ComponentRequest {
  customId: string;
  messageId: string;
  guildId: string;
  userId?: string;
}

/**
 * Owns the interactions. Users begin them here, and the gateway takes them to the bot. Those that nobody has acknowledged
 * fail at the deadline. {@link InteractionResponses} answers what the bot does with them.
 */
export class Interactions {
  readonly #byToken = new Map<string, Interaction>();
  /** Those that may still be unacknowledged, oldest first. All have the same time, so one timer for the oldest is enough. */
  readonly #deadlines: Interaction[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly world: World,
    private readonly gateway: Gateway,
    private readonly account: Account,
    private readonly findCommand: (name: string, guildId: string) => CommandPayload | undefined,
    private readonly messages: Messages,
  ) {}

  /** A user runs a slash command. */
  runCommand(request: CommandRequest): Interaction {
    return this.#begin('command', 2, this.#commandData(request), request);
  }

  /** A user's client asks for completions of the option named `focused`. */
  autocomplete(request: CommandRequest & { focused: string }): Interaction {
    return this.#begin('autocomplete', 4, this.#commandData(request, request.focused), request);
  }

  /** A user presses a button under a message of the bot. */
  pressComponent(request: ComponentRequest): Interaction {
    const message = this.messages.find(request.messageId);
    if (message === undefined) throw new RangeError(`no message ${request.messageId}`);
    const data = { custom_id: request.customId, component_type: 2, id: 1 };
    const { guildId, userId } = request;
    const where = {
      name: request.customId,
      guildId,
      channelId: message.channel_id,
      ...(userId === undefined ? {} : { userId }),
    };
    return this.#begin('component', 3, data, where, message);
  }

  #commandData({ name: text, guildId, options = {} }: CommandRequest, focused?: string): Json {
    const [name = '', ...path] = text.split(' ');
    return commandData(this.world, this.findCommand(name, guildId), name, path, options, guildId, focused);
  }

  #begin(
    kind: InteractionKind,
    type: number,
    data: Json,
    request: CommandRequest,
    message?: MessagePayload,
  ): Interaction {
    const { guildId } = request;
    const channel = this.world.channelIn(guildId, request.channelId);
    const payload = interactionPayload(this.world, {
      type,
      data,
      guildId,
      channel,
      token: `aW50ZXJhY3Rpb246${randomBytes(72).toString('base64url')}`,
      userId: request.userId,
      choice: this.#byToken.size,
      message,
    });
    const entry: InteractionEntry = {
      id: payload.id,
      token: payload.token,
      name: request.name,
      options: request.options ?? {},
      guildId,
      channelId: channel.id,
      userId: payload.member.user.id,
      shardId: null,
      state: 'waiting',
      createdAt: now(),
      deliveries: [],
      acknowledgedAt: null,
      answeredAt: null,
      failedAt: null,
      responses: [],
      doubleAcknowledgements: 0,
      lateAcknowledgements: 0,
    };
    const interaction = new Interaction(kind, entry);
    if (message !== undefined) interaction.original = message;
    this.account.addInteraction(entry);
    this.#keep(interaction);
    this.gateway.dispatchToGuild('INTERACTION_CREATE', guildId, payload, { ledger: entry.deliveries });
    entry.shardId = entry.deliveries[0]?.shardId ?? null;
    return interaction;
  }

  #keep(interaction: Interaction): void {
    this.#byToken.set(interaction.token, interaction);
    this.#deadlines.push(interaction);
    if (this.#timer === undefined) this.#arm(this.options.interactionDeadlineMs);
    for (const [token, { entry }] of this.#byToken) {
      const isOver = now() - entry.createdAt > this.options.interactionTokenLifetimeMs;
      const isOneTooMany = this.#byToken.size > LIVE_KEPT && (entry.state === 'answered' || entry.state === 'failed');
      if (!isOver && !isOneTooMany) break;
      this.#byToken.delete(token);
    }
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => this.#checkDeadlines(), delayMs);
  }

  #checkDeadlines(): void {
    this.#timer = undefined;
    const { interactionDeadlineMs } = this.options;
    let passed = 0;
    for (const interaction of this.#deadlines) {
      const left = interaction.entry.createdAt + interactionDeadlineMs - now();
      if (interaction.entry.state === 'waiting') {
        if (left > 0) {
          this.#arm(Math.ceil(left));
          break;
        }
        this.#failUnacknowledged(interaction);
      }
      passed++;
    }
    this.#deadlines.splice(0, passed);
  }

  find(token: string): Interaction | undefined {
    return this.#byToken.get(token);
  }

  /** Fails the interaction if its time is over. The timer may be a moment late; the rule is not. */
  failIfLate(interaction: Interaction): void {
    const { entry } = interaction;
    if (entry.state === 'waiting' && now() - entry.createdAt > this.options.interactionDeadlineMs) {
      this.#failUnacknowledged(interaction);
    }
  }

  #failUnacknowledged(interaction: Interaction): void {
    interaction.failed(`nobody acknowledged it within ${this.options.interactionDeadlineMs} ms`);
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const interaction of this.#byToken.values()) interaction.failed('the simulator was stopped');
    this.#byToken.clear();
    this.#deadlines.length = 0;
  }
}

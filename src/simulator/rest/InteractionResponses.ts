import type { Account } from '../account/Account.js';
import type { InteractionEntry, ResponseEntry, ResponseKind } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Answer, Interaction, InteractionKind } from '../users/Interaction.js';
import type { Interactions } from '../users/Interactions.js';
import { isJson, MESSAGE_FLAG_EPHEMERAL, MESSAGE_FLAG_LOADING, type MessagePayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { BotMessages } from './BotMessages.js';
import { DiscordApiError, FormCheck, invalidField, unknown } from './DiscordApiError.js';
import { type MessageBody, parseMessageBody } from './messageBody.js';

const MESSAGE = 4;
const DEFERRED_MESSAGE = 5;
const DEFERRED_UPDATE = 6;
const UPDATE = 7;
const AUTOCOMPLETE = 8;
const MODAL = 9;
/** discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type */
const ALLOWED: Record<InteractionKind, readonly number[]> = {
  command: [MESSAGE, DEFERRED_MESSAGE, MODAL],
  component: [MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, MODAL],
  autocomplete: [AUTOCOMPLETE],
};

/**
 * What a bot does to an interaction by REST. It acknowledges the interaction once and in time, then edits, follows up,
 * deletes. A second acknowledgement is refused (40060), one after the deadline too (10062), and a followup before one
 * (10015). The account gets every attempt, refused or not.
 */
export class InteractionResponses {
  constructor(
    private readonly interactions: Interactions,
    private readonly tokenLifetimeMs: number,
    private readonly world: World,
    private readonly account: Account,
    private readonly messages: BotMessages,
  ) {}

  /** POST /interactions/:id/:token/callback */
  acknowledge(id: string, token: string, body: unknown, files: number): { interaction: Interaction; type: number } {
    const interaction = this.interactions.find(token);
    if (interaction === undefined || interaction.id !== id) throw unknown.interaction();
    const { entry } = interaction;
    this.interactions.failIfLate(interaction);
    if (entry.state === 'failed') {
      entry.lateAcknowledgements++;
      const late = Math.round(now() - entry.createdAt);
      this.account.violation('lateAcknowledgement', `/${entry.name} acknowledged after ${late} ms`, shardOf(entry));
      throw this.#refused(interaction, 'callback', body, unknown.interaction());
    }
    if (interaction.acknowledgement !== undefined) {
      entry.doubleAcknowledgements++;
      this.account.violation('doubleAcknowledgement', `/${entry.name} acknowledged twice`, shardOf(entry));
      const error = new DiscordApiError(400, 40060, 'Interaction has already been acknowledged.');
      throw this.#refused(interaction, 'callback', body, error);
    }
    try {
      return { interaction, type: this.#accept(interaction, body, files) };
    } catch (error) {
      throw this.#refused(interaction, 'callback', body, error);
    }
  }

  #accept(interaction: Interaction, body: unknown, files: number): number {
    const type = isJson(body) ? body.type : undefined;
    if (typeof type !== 'number' || !ALLOWED[interaction.kind].includes(type)) {
      const allowed = ALLOWED[interaction.kind].join(', ');
      throw invalidField(['type'], 'BASE_TYPE_CHOICES', `Value must be one of {${allowed}}.`);
    }
    const data = isJson(body) ? (body.data ?? {}) : {};
    switch (type) {
      case MESSAGE:
        this.#acceptMessage(interaction, data, files, body);
        break;
      case DEFERRED_MESSAGE:
        this.#acceptDeferral(interaction, data);
        break;
      case UPDATE:
        this.#acceptUpdate(interaction, data, files, body);
        break;
      case MODAL:
        checkModal(data);
        break;
      case AUTOCOMPLETE:
        checkChoices(data);
        break;
      default:
        break;
    }
    if (interaction.acknowledgement === undefined) interaction.acknowledged(type);
    this.#note(interaction, 'callback', body, { type, ephemeral: interaction.isEphemeral });
    if (type === MODAL || type === AUTOCOMPLETE || type === DEFERRED_UPDATE) {
      this.#answered(interaction, 'callback', body, undefined);
    }
    return type;
  }

  #acceptMessage(interaction: Interaction, data: unknown, files: number, body: unknown): void {
    const message = parseMessageBody(data, { allowEphemeral: true, allowEmpty: false, files });
    this.#acceptOriginal(interaction, MESSAGE, message);
    this.#answered(interaction, 'callback', body, interaction.original);
  }

  #acceptDeferral(interaction: Interaction, data: unknown): void {
    const message = parseMessageBody(data, { allowEphemeral: true, allowEmpty: true, files: 0 });
    this.#acceptOriginal(interaction, DEFERRED_MESSAGE, message, MESSAGE_FLAG_LOADING);
  }

  #acceptOriginal(interaction: Interaction, type: number, message: MessageBody, extraFlags = 0): void {
    interaction.isEphemeral = (message.flags & MESSAGE_FLAG_EPHEMERAL) !== 0;
    interaction.acknowledged(type);
    interaction.original = this.#post(interaction, message, extraFlags);
  }

  #acceptUpdate(interaction: Interaction, data: unknown, files: number, body: unknown): void {
    const message = parseMessageBody(data, { allowEphemeral: true, allowEmpty: true, files });
    const original = interaction.original;
    if (original === undefined) throw unknown.message();
    interaction.acknowledged(UPDATE);
    this.messages.edit(original, message);
    this.#answered(interaction, 'callback', body, original);
  }

  /** The interaction of a webhook URL. Throws what Discord answers if nobody acknowledged it, or if its token is too old. */
  forWebhook(applicationId: string, token: string): Interaction {
    const interaction = applicationId === this.world.applicationId ? this.interactions.find(token) : undefined;
    if (interaction === undefined) throw unknown.webhook();
    if (now() - interaction.entry.createdAt > this.tokenLifetimeMs) {
      throw new DiscordApiError(401, 50027, 'Invalid Webhook Token');
    }
    if (interaction.acknowledgement === undefined) throw unknown.webhook();
    return interaction;
  }

  /** POST /webhooks/:app/:token. The first one after a deferral replaces the "thinking" message. */
  followUp(interaction: Interaction, body: unknown, files: number): MessagePayload {
    return this.#attempt(interaction, 'followup', body, () => {
      const message = parseMessageBody(body, { allowEphemeral: true, allowEmpty: false, files });
      const { original } = interaction;
      const isThinking = original !== undefined && (original.flags & MESSAGE_FLAG_LOADING) !== 0;
      return isThinking
        ? this.messages.edit(original, message, MESSAGE_FLAG_LOADING)
        : this.#post(interaction, message);
    });
  }

  /** PATCH /webhooks/:app/:token/messages/:id, where the id may be `@original`. */
  edit(interaction: Interaction, messageId: string, body: unknown, files: number): MessagePayload {
    const kind = messageId === '@original' ? 'editOriginal' : 'editFollowup';
    return this.#attempt(interaction, kind, body, () => {
      const message = this.message(interaction, messageId);
      const edit = parseMessageBody(body, { allowEphemeral: true, allowEmpty: true, files });
      const isDeferred = (message.flags & MESSAGE_FLAG_LOADING) !== 0;
      if (isDeferred && edit.content.trim() === '' && edit.embeds.length + edit.components.length + files === 0) {
        throw new DiscordApiError(400, 50006, 'Cannot send an empty message');
      }
      return this.messages.edit(message, edit, MESSAGE_FLAG_LOADING);
    });
  }

  delete(interaction: Interaction, messageId: string): void {
    const message = this.message(interaction, messageId);
    this.messages.delete(message);
    this.#note(interaction, 'delete', null, { ephemeral: interaction.isEphemeral });
  }

  message(interaction: Interaction, messageId: string): MessagePayload {
    const { original } = interaction;
    if (messageId === '@original') {
      if (original === undefined) throw unknown.message();
      return this.messages.get(original.id);
    }
    const message = this.messages.get(messageId);
    if (message.webhook_id === undefined) throw unknown.message();
    return message;
  }

  #attempt(
    interaction: Interaction,
    kind: 'followup' | 'editOriginal' | 'editFollowup',
    body: unknown,
    act: () => MessagePayload,
  ) {
    try {
      const message = act();
      this.#note(interaction, kind, body, { ephemeral: (message.flags & MESSAGE_FLAG_EPHEMERAL) !== 0 });
      if (kind !== 'editFollowup') this.#answered(interaction, kind, body, message);
      return message;
    } catch (error) {
      throw this.#refused(interaction, kind, body, error);
    }
  }

  #post(interaction: Interaction, body: MessageBody, extraFlags = 0): MessagePayload {
    const { entry } = interaction;
    const channel = this.world.findChannel(entry.channelId);
    if (channel === undefined) throw unknown.channel();
    const user = this.world.ensureUser(entry.userId);
    const type = interaction.kind === 'component' ? 3 : 2;
    return this.messages.post(channel, body, { interactionId: entry.id, name: entry.name, user, type }, extraFlags);
  }

  #answered(interaction: Interaction, kind: Answer['kind'], body: unknown, message: MessagePayload | undefined): void {
    interaction.answeredWith({
      kind,
      type: interaction.acknowledgement ?? 0,
      content: message?.content ?? '',
      ephemeral: ((message?.flags ?? 0) & MESSAGE_FLAG_EPHEMERAL) !== 0,
      body,
      message: message === undefined ? undefined : { ...message },
    });
  }

  #note(interaction: Interaction, kind: ResponseKind, body: unknown, about: Partial<ResponseEntry>): void {
    const entry = { at: now(), kind, type: null, content: contentOf(body), ephemeral: false, body };
    interaction.entry.responses.push({ ...entry, accepted: true, code: null, ...about });
  }

  /** @returns the error, for the caller to throw. */
  #refused(interaction: Interaction, kind: ResponseKind, body: unknown, error: unknown): unknown {
    const type = isJson(body) && typeof body.type === 'number' ? body.type : null;
    const code = error instanceof DiscordApiError ? error.code : null;
    this.#note(interaction, kind, body, { type, accepted: false, code });
    return error;
  }
}

function shardOf(entry: InteractionEntry): { shardId?: number } {
  return entry.shardId === null ? {} : { shardId: entry.shardId };
}

function contentOf(body: unknown): string | null {
  if (!isJson(body)) return null;
  const holder = isJson(body.data) ? body.data : body;
  return typeof holder.content === 'string' ? holder.content : null;
}

function checkModal(data: unknown): void {
  const check = new FormCheck();
  const modal = isJson(data) ? data : {};
  check.string(modal.custom_id, ['data', 'custom_id'], 1, 100);
  check.string(modal.title, ['data', 'title'], 1, 45);
  checkRequiredList(check, modal.components, 'components');
  check.throwIfFailed();
}

function checkChoices(data: unknown): void {
  const check = new FormCheck();
  checkRequiredList(check, isJson(data) ? data.choices : undefined, 'choices', 25);
  check.throwIfFailed();
}

function checkRequiredList(check: FormCheck, value: unknown, name: string, max?: number): void {
  const path = ['data', name];
  if (Array.isArray(value)) check.list(value, path, max);
  else check.fail(path, 'BASE_TYPE_REQUIRED', 'This field is required');
}

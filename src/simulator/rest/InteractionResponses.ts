import type { Account } from '../account/Account.js';
import type { InteractionEntry, ResponseKind } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Answer, Interaction, InteractionKind } from '../users/Interaction.js';
import type { Interactions } from '../users/Interactions.js';
import type { Messages } from '../users/Messages.js';
import { isJson, MESSAGE_FLAG_EPHEMERAL, MESSAGE_FLAG_LOADING, type MessagePayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import { DiscordApiError, FormCheck, unknown } from './DiscordApiError.js';
import { type MessageBody, parseMessageBody } from './messageBody.js';

const PONG = 1;
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
 * What a bot may do to an interaction, by REST: acknowledge it once and in time, then edit, follow up, delete. Refuses what
 * Discord refuses: a second acknowledgement (40060), one after the deadline (10062), a followup before one (10015). Every
 * attempt is written to the account, refused or not.
 */
export class InteractionResponses {
  constructor(
    private readonly interactions: Interactions,
    private readonly tokenLifetimeMs: number,
    private readonly world: World,
    private readonly account: Account,
    private readonly messages: Messages,
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
    const check = new FormCheck();
    if (typeof type !== 'number' || type === PONG || !ALLOWED[interaction.kind].includes(type)) {
      const allowed = ALLOWED[interaction.kind].join(', ');
      check.fail(['type'], 'BASE_TYPE_CHOICES', `Value must be one of {${allowed}}.`);
      check.throwIfFailed();
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
    if (interaction.acknowledgement === undefined) interaction.acknowledged(Number(type));
    this.#log(interaction, 'callback', body, Number(type), interaction.isEphemeral);
    if (type === MODAL || type === AUTOCOMPLETE || type === DEFERRED_UPDATE) {
      this.#answered(interaction, 'callback', body, undefined);
    }
    return Number(type);
  }

  #acceptMessage(interaction: Interaction, data: unknown, files: number, body: unknown): void {
    const message = parseMessageBody(data, { allowEphemeral: true, allowEmpty: false, files });
    interaction.isEphemeral = (message.flags & MESSAGE_FLAG_EPHEMERAL) !== 0;
    interaction.acknowledged(MESSAGE);
    interaction.original = this.#post(interaction, message);
    this.#answered(interaction, 'callback', body, interaction.original);
  }

  #acceptDeferral(interaction: Interaction, data: unknown): void {
    const message = parseMessageBody(data, { allowEphemeral: true, allowEmpty: true, files: 0 });
    interaction.isEphemeral = (message.flags & MESSAGE_FLAG_EPHEMERAL) !== 0;
    interaction.acknowledged(DEFERRED_MESSAGE);
    interaction.original = this.#post(interaction, message, MESSAGE_FLAG_LOADING);
  }

  #acceptUpdate(interaction: Interaction, data: unknown, files: number, body: unknown): void {
    const message = parseMessageBody(data, { allowEphemeral: true, allowEmpty: true, files });
    const original = interaction.original;
    if (original === undefined) throw unknown.message();
    interaction.acknowledged(UPDATE);
    this.messages.edit(original, message);
    this.#answered(interaction, 'callback', body, original);
  }

  /** The interaction of a webhook URL. Throws what Discord answers for one that was never acknowledged or is over. */
  forWebhook(applicationId: string, token: string): Interaction {
    const interaction = applicationId === this.world.applicationId ? this.interactions.find(token) : undefined;
    if (interaction === undefined) throw unknown.webhook();
    if (now() - interaction.entry.createdAt > this.tokenLifetimeMs) {
      throw new DiscordApiError(401, 50027, 'Invalid Webhook Token');
    }
    if (interaction.acknowledgement === undefined) throw unknown.webhook();
    return interaction;
  }

  /** POST /webhooks/:app/:token. The first one after a deferral takes the place of the "thinking" message. */
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
    this.#log(interaction, 'delete', null, null, interaction.isEphemeral);
  }

  message(interaction: Interaction, messageId: string): MessagePayload {
    const { original } = interaction;
    if (messageId === '@original') {
      if (original === undefined || this.messages.find(original.id) === undefined) throw unknown.message();
      return original;
    }
    const message = this.messages.find(messageId);
    if (message === undefined || message.webhook_id === undefined) throw unknown.message();
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
      this.#log(interaction, kind, body, null, (message.flags & MESSAGE_FLAG_EPHEMERAL) !== 0);
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

  #log(interaction: Interaction, kind: ResponseKind, body: unknown, type: number | null, ephemeral: boolean): void {
    const content = contentOf(body);
    interaction.entry.responses.push({ at: now(), kind, type, content, ephemeral, body, accepted: true, code: null });
  }

  #refused(interaction: Interaction, kind: ResponseKind, body: unknown, error: unknown): unknown {
    const code = error instanceof DiscordApiError ? error.code : null;
    interaction.entry.responses.push({
      at: now(),
      kind,
      type: isJson(body) && typeof body.type === 'number' ? body.type : null,
      content: contentOf(body),
      ephemeral: false,
      body,
      accepted: false,
      code,
    });
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
  if (!Array.isArray(modal.components))
    check.fail(['data', 'components'], 'BASE_TYPE_REQUIRED', 'This field is required');
  check.throwIfFailed();
}

function checkChoices(data: unknown): void {
  const check = new FormCheck();
  const choices = isJson(data) ? data.choices : undefined;
  if (!Array.isArray(choices)) check.fail(['data', 'choices'], 'BASE_TYPE_REQUIRED', 'This field is required');
  else if (choices.length > 25)
    check.fail(['data', 'choices'], 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  check.throwIfFailed();
}

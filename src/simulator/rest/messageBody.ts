import {
  isJson,
  type Json,
  MESSAGE_FLAG_COMPONENTS_V2,
  MESSAGE_FLAG_EPHEMERAL,
  MESSAGE_FLAG_SUPPRESS_EMBEDS,
  MESSAGE_FLAG_SUPPRESS_NOTIFICATIONS,
} from '../world/payloads.js';
import { isSnowflake } from '../world/snowflakes.js';
import { DiscordApiError, FormCheck, invalidJson } from './DiscordApiError.js';

/** A message as a client may send it, checked. */
export interface MessageBody {
  content: string;
  embeds: Json[];
  components: Json[];
  attachments: Json[];
  reference: { messageId: string; channelId: string | undefined; failIfNotExists: boolean } | undefined;
  flags: number;
  tts: boolean;
  nonce: string | number | undefined;
  /** Whether Discord returns the recent message with the same nonce in place of a new one. */
  enforceNonce: boolean;
  /** Fields that the body had. An edit leaves the others as they are. */
  given: ReadonlySet<string>;
}

export interface MessageRules {
  /** Whether EPHEMERAL is allowed. Discord allows it to interactions only. */
  allowEphemeral: boolean;
  /** Whether a body may have nothing to show. */
  allowEmpty: boolean;
  /** How many files came with the body (multipart). */
  files: number;
}

const BASE_FLAGS = MESSAGE_FLAG_SUPPRESS_EMBEDS | MESSAGE_FLAG_SUPPRESS_NOTIFICATIONS | MESSAGE_FLAG_COMPONENTS_V2;

/** discord.com/developers/docs/resources/message#create-message. Throws the error that Discord would answer with. */
export function parseMessageBody(body: unknown, rules: MessageRules): MessageBody {
  if (!isJson(body)) throw invalidJson();
  const check = new FormCheck();
  const content = body.content;
  check.string(content, ['content'], 0, 2000, false);
  const embeds = parseList(check, body, 'embeds', 10);
  const components = parseList(check, body, 'components', 40);
  const attachments = parseList(check, body, 'attachments', 10);
  for (const [index, embed] of embeds.entries()) checkEmbed(check, embed, index);
  const flags = body.flags ?? 0;
  const allowed = rules.allowEphemeral ? BASE_FLAGS | MESSAGE_FLAG_EPHEMERAL : BASE_FLAGS;
  if (typeof flags !== 'number' || (flags & ~allowed) !== 0) {
    check.fail(['flags'], 'BITFIELD_INVALID_FLAGS', `Flags ${JSON.stringify(flags)} are not allowed here.`);
  }
  checkAllowedMentions(check, body.allowed_mentions);
  const reference = parseReference(check, body.message_reference);
  check.throwIfFailed();
  const text = typeof content === 'string' ? content : '';
  const isEmpty = text.trim() === '' && embeds.length + components.length + attachments.length + rules.files === 0;
  const hasSticker = Array.isArray(body.sticker_ids) || isJson(body.poll);
  if (isEmpty && !hasSticker && !rules.allowEmpty)
    throw new DiscordApiError(400, 50006, 'Cannot send an empty message');
  const nonce = body.nonce;
  return {
    content: text,
    embeds,
    components,
    attachments,
    reference,
    flags: Number(flags),
    tts: body.tts === true,
    nonce: typeof nonce === 'string' || typeof nonce === 'number' ? nonce : undefined,
    enforceNonce: body.enforce_nonce === true,
    given: new Set(Object.keys(body).filter((key) => body[key] !== undefined)),
  };
}

function parseList(check: FormCheck, body: Json, name: string, max: number): Json[] {
  const value = body[name];
  if (value === undefined || value === null) return [];
  const isList = Array.isArray(value) && value.every(isJson);
  return check.list(isList ? value : undefined, [name], max) ? (value as Json[]) : [];
}

/** discord.com/developers/docs/resources/message#embed-object-embed-limits */
function checkEmbed(check: FormCheck, embed: Json, index: number): void {
  const at = ['embeds', index] as const;
  check.string(embed.title, [...at, 'title'], 0, 256, false);
  check.string(embed.description, [...at, 'description'], 0, 4096, false);
  const fields = embed.fields;
  if (!Array.isArray(fields)) return;
  check.list(fields, [...at, 'fields'], 25);
  for (const [number, field] of fields.entries()) {
    check.string(isJson(field) ? field.name : undefined, [...at, 'fields', number, 'name'], 1, 256);
    check.string(isJson(field) ? field.value : undefined, [...at, 'fields', number, 'value'], 1, 1024);
  }
}

/** discord.com/developers/docs/resources/message#allowed-mentions-object */
function checkAllowedMentions(check: FormCheck, value: unknown): void {
  if (value === undefined || value === null) return;
  if (!check.object(value, ['allowed_mentions'])) return;
  const parse = Array.isArray(value.parse) ? value.parse : [];
  for (const [index, kind] of parse.entries()) {
    if (kind !== 'roles' && kind !== 'users' && kind !== 'everyone') {
      check.fail(
        ['allowed_mentions', 'parse', index],
        'BASE_TYPE_CHOICES',
        "Value must be one of {'everyone', 'roles', 'users'}.",
      );
    }
  }
  for (const kind of ['roles', 'users'] as const) {
    const ids = value[kind];
    if (!Array.isArray(ids)) continue;
    check.list(ids, ['allowed_mentions', kind], 100);
    if (ids.length > 0 && parse.includes(kind)) {
      const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`;
      check.fail(['allowed_mentions'], 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE', message);
    }
  }
}

function parseReference(check: FormCheck, value: unknown): MessageBody['reference'] {
  if (value === undefined || value === null) return undefined;
  const reference = isJson(value) ? value : {};
  const { message_id: messageId, channel_id: channelId } = reference;
  if (!check.snowflake(messageId, ['message_reference', 'message_id'])) return undefined;
  return {
    messageId,
    channelId: isSnowflake(channelId) ? channelId : undefined,
    failIfNotExists: reference.fail_if_not_exists !== false,
  };
}

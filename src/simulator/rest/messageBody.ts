import {
  isJson,
  type Json,
  MESSAGE_FLAG_COMPONENTS_V2,
  MESSAGE_FLAG_EPHEMERAL,
  MESSAGE_FLAG_SUPPRESS_EMBEDS,
  MESSAGE_FLAG_SUPPRESS_NOTIFICATIONS,
} from '../world/payloads.js';
import { isSnowflake } from '../world/snowflakes.js';
import { DiscordApiError, FormCheck } from './DiscordApiError.js';

/** A message as a client may send it, checked. */
export interface MessageBody {
  content: string;
  embeds: Json[];
  components: Json[];
  attachments: Json[];
  allowedMentions: Json | undefined;
  reference: { messageId: string; channelId: string | undefined; failIfNotExists: boolean } | undefined;
  flags: number;
  tts: boolean;
  nonce: string | number | undefined;
  /** Whether a message with the same nonce, a few minutes ago, is to be returned in its place. */
  enforceNonce: boolean;
  /** Fields the body had, for edits: what is not there stays as it is. */
  given: ReadonlySet<string>;
}

export interface MessageRules {
  /** EPHEMERAL is for interactions only; on a channel message Discord has no such thing, so it is refused. */
  allowEphemeral: boolean;
  /** Whether a body with nothing to show is an error. */
  allowEmpty: boolean;
  /** How many files came with it (multipart). */
  files: number;
}

const BASE_FLAGS = MESSAGE_FLAG_SUPPRESS_EMBEDS | MESSAGE_FLAG_SUPPRESS_NOTIFICATIONS | MESSAGE_FLAG_COMPONENTS_V2;

/** discord.com/developers/docs/resources/message#create-message. Throws the error Discord would answer with. */
export function parseMessageBody(body: unknown, rules: MessageRules): MessageBody {
  if (!isJson(body)) throw new DiscordApiError(400, 50109, 'The request body contains invalid JSON.');
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
  const allowedMentions = parseAllowedMentions(check, body.allowed_mentions);
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
    allowedMentions,
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
  if (!Array.isArray(value) || !value.every(isJson)) {
    check.fail([name], 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
    return [];
  }
  if (value.length > max) check.fail([name], 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
  return value;
}

/** discord.com/developers/docs/resources/message#embed-object-embed-limits */
function checkEmbed(check: FormCheck, embed: Json, index: number): void {
  const at = ['embeds', index] as const;
  check.string(embed.title, [...at, 'title'], 0, 256, false);
  check.string(embed.description, [...at, 'description'], 0, 4096, false);
  const fields = embed.fields;
  if (!Array.isArray(fields)) return;
  if (fields.length > 25) check.fail([...at, 'fields'], 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  for (const [number, field] of fields.entries()) {
    check.string(isJson(field) ? field.name : undefined, [...at, 'fields', number, 'name'], 1, 256);
    check.string(isJson(field) ? field.value : undefined, [...at, 'fields', number, 'value'], 1, 1024);
  }
}

/** discord.com/developers/docs/resources/message#allowed-mentions-object */
function parseAllowedMentions(check: FormCheck, value: unknown): Json | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJson(value)) {
    check.fail(['allowed_mentions'], 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
    return undefined;
  }
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
    if (ids.length > 100)
      check.fail(['allowed_mentions', kind], 'BASE_TYPE_MAX_LENGTH', 'Must be 100 or fewer in length.');
    if (ids.length > 0 && parse.includes(kind)) {
      const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`;
      check.fail(['allowed_mentions'], 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE', message);
    }
  }
  return value;
}

function parseReference(check: FormCheck, value: unknown): MessageBody['reference'] {
  if (value === undefined || value === null) return undefined;
  const messageId = isJson(value) ? value.message_id : undefined;
  if (!isJson(value) || !isSnowflake(messageId)) {
    check.fail(
      ['message_reference', 'message_id'],
      'NUMBER_TYPE_COERCE',
      `Value "${String(messageId)}" is not snowflake.`,
    );
    return undefined;
  }
  const channelId = value.channel_id;
  return {
    messageId,
    channelId: isSnowflake(channelId) ? channelId : undefined,
    failIfNotExists: value.fail_if_not_exists !== false,
  };
}

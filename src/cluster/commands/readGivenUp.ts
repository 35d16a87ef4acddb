import type { AnswerableInteraction } from './answer/InteractionAnswer.js';
import type { AnswerableMessage } from './answer/MentionAnswer.js';
import { readMention } from './parsing/readMention.js';

/** What somebody waits for an answer to. */
export type GivenUp =
  | (AnswerableInteraction & { readonly kind: 'interaction' })
  | (AnswerableMessage & { readonly kind: 'mention' });

/** What a message answers: a command, a component, a modal. */
const ANSWERED_BY_MESSAGE: readonly unknown[] = [2, 3, 5];

/** @returns undefined where the dispatch, as Discord has sent it, is nothing that anybody waits for an answer to. */
export function readGivenUp(
  type: string,
  data: unknown,
  self: Parameters<typeof readMention>[1] | undefined,
): GivenUp | undefined {
  const fields = Object(data) as Readonly<Record<string, unknown>>;
  const { id, guild_id: guildId } = fields;
  if (typeof id !== 'string') return undefined;
  if (type === 'INTERACTION_CREATE') {
    const { token, application_id } = fields;
    if (!ANSWERED_BY_MESSAGE.includes(fields.type)) return undefined;
    if (typeof token !== 'string' || typeof application_id !== 'string') return undefined;
    return { kind: 'interaction', id, token, application_id };
  }
  const { content, channel_id } = fields;
  const author = Object(fields.author) as { readonly id?: unknown; readonly bot?: unknown };
  if (type !== 'MESSAGE_CREATE' || self === undefined || author.bot === true) return undefined;
  if (typeof content !== 'string' || typeof channel_id !== 'string' || typeof author.id !== 'string') return undefined;
  if (readMention(content, self) === undefined) return undefined;
  const guild_id = typeof guildId === 'string' ? guildId : undefined;
  return { kind: 'mention', id, channel_id, guild_id, author: { id: author.id } };
}

import type { AnswerableInteraction } from './answer/InteractionAnswer.js';
import type { AnswerableMessage } from './answer/MentionAnswer.js';
import { readMention } from './parsing/readMention.js';

/** An interaction or a mention that somebody waits for an answer to. */
export type GivenUp =
  | (AnswerableInteraction & { readonly kind: 'interaction' })
  | (AnswerableMessage & { readonly kind: 'mention' });

/** The interactions that are answered by a message: commands, components and modals. */
const ANSWERED_BY_MESSAGE: readonly unknown[] = [2, 3, 5];

/** @param data as Discord sent it. @returns undefined where nobody waits for an answer to the dispatch. */
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

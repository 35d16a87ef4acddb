/** Longest message that Discord takes (discord.com/developers/docs/resources/message#create-message). */
export const MAX_MESSAGE_LENGTH = 2_000;

const ELLIPSIS = '…';
const FENCE = '```';
const CLOSING = `\n${FENCE}`;

/** Cuts a text to `maxLength` UTF-16 units; closes a code block that the cut left open, and halves neither a character nor a fence. */
export function cutMessage(text: string, maxLength = MAX_MESSAGE_LENGTH): string {
  if (text.length <= maxLength) return text;
  const end = maxLength - ELLIPSIS.length - CLOSING.length;
  let kept = text.slice(0, end);
  if (/[\uD800-\uDBFF]$/.test(kept)) kept = kept.slice(0, -1);
  if (text.charAt(end) === '`') kept = kept.replace(/`+$/, '');
  const open = kept.split(FENCE).length % 2 === 0;
  return `${kept}${ELLIPSIS}${open ? CLOSING : ''}`;
}

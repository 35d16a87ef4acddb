import { ERROR_CODES, type KallistiError } from '../../../core/errors.js';
import { firstLine } from '../../../core/text/messageOf.js';

/** Longest message that Discord takes (discord.com/developers/docs/resources/message#create-message). */
export const MAX_MESSAGE_LENGTH = 2_000;

const ELLIPSIS = '…';
const FENCE = '```';
const CLOSING = `\n${FENCE}`;

/**
 * Cuts a text to `maxLength` UTF-16 units. It closes a code block that the cut left open, and cuts neither through a character
 * nor through a fence.
 */
export function cutMessage(text: string, maxLength = MAX_MESSAGE_LENGTH): string {
  if (text.length <= maxLength) return text;
  const end = maxLength - ELLIPSIS.length - CLOSING.length;
  let kept = text.slice(0, end);
  if (/[\uD800-\uDBFF]$/.test(kept)) kept = kept.slice(0, -1);
  if (text.charAt(end) === '`') kept = kept.replace(/`+$/, '');
  const open = kept.split(FENCE).length % 2 === 0;
  return `${kept}${ELLIPSIS}${open ? CLOSING : ''}`;
}

/** @returns the text with a zero-width space between neighbouring backticks, so that no code fence is left in it. */
export function breakFences(text: string): string {
  return text.replace(/`(?=`)/g, '`\u200b');
}

/** @returns the text in a code block, which nothing in the text can end. */
export function codeBlock(text: string, language = ''): string {
  return `${FENCE}${language}\n${breakFences(text)}${CLOSING}`;
}

/** @returns a code block of at most `maxLength` characters, with as many of the lines as fit. */
export function linesBlock(lines: readonly string[], maxLength: number, language = ''): string {
  return codeBlock(fitLines(lines.map(breakFences), maxLength - codeBlock('', language).length), language);
}

/** @returns as many of the lines as fit into `maxLength` characters, and a last line that counts the others. */
export function fitLines(lines: readonly string[], maxLength: number): string {
  const all = lines.join('\n');
  if (all.length <= maxLength) return all;
  const more = (count: number) => `… and ${count} more`;
  let length = more(lines.length).length;
  let shown = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > maxLength) break;
    shown += 1;
  }
  return [...lines.slice(0, shown), more(lines.length - shown)].join('\n');
}

/** @returns a name that somebody else chose, escaped so that Discord shows it as it is. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\*_~`|>[\]()#<:@-]/g, '\\$&');
}

/** @returns why a request failed, in one line for the user: never a stack, and only the first line of the message. */
export function describeFailure(error: KallistiError): string {
  const known = Object.entries(ERROR_CODES).find(([code]) => code === error.code)?.[1];
  const meaning = known?.meaning ?? 'The process that was asked could not do it.';
  const advice = known?.retryable === true ? ' Try again in a moment.' : '';
  return `${meaning} (${error.code}: ${firstLine(error.message)})${advice}`;
}

/**
 * Reads a message that may begin with a mention of the bot: `<@id>`, the older `<@!id>`, or the bot's name as somebody typed it
 * where Discord made no mention of it.
 *
 * @returns what follows the mention; undefined where the message does not begin with one.
 */
export function readMention(
  content: string,
  bot: { readonly id: string; readonly username: string },
): string | undefined {
  const text = content.trimStart();
  for (const mention of [`<@${bot.id}>`, `<@!${bot.id}>`]) {
    if (text.startsWith(mention)) return text.slice(mention.length).trim();
  }
  const typed = `@${bot.username}`;
  const isTyped = text.slice(0, typed.length).toLowerCase() === typed.toLowerCase();
  return isTyped && /^(?:\s|$)/.test(text.slice(typed.length)) ? text.slice(typed.length).trim() : undefined;
}

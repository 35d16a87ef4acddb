/**
 * @returns what follows the mention of the bot at the start of a message, or undefined where it does not start with one. Takes
 * `<@id>`, the older `<@!id>`, and the bot's name as typed where it did not become a mention.
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

/** @returns the text without a code fence in it: a zero-width space stands between neighbouring backticks. */
export function breakFences(text: string): string {
  return text.replace(/`(?=`)/g, '`\u200b');
}

/** @returns the text in a code block, which nothing in the text can end. */
export function codeBlock(text: string, language = ''): string {
  return `\`\`\`${language}\n${breakFences(text)}\n\`\`\``;
}

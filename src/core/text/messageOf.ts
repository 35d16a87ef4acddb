/** @returns the first line of a message, cut to `maxLength` characters: what follows it is for the log. */
export function firstLine(text: string, maxLength = 300): string {
  const [line = ''] = text.split('\n', 1);
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}

/** @returns what was thrown, in words. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** @returns the first line of an error's message, and not too much of it: the rest may be log lines or a stack. */
export function firstLine(message: string, maxLength = 200): string {
  const [line = ''] = message.split('\n', 1);
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}

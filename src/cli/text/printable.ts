/**
 * Names come from strangers on Discord: an escape sequence in one must not reach the terminal. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
}

/** @returns the first line of a text that may go on with a process's last words. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

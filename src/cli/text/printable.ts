/**
 * Names come from strangers on Discord: an escape sequence in one must not reach the terminal. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
}

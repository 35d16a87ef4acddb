/** @returns a name that others chose, so that Discord shows it as it is. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\*_~`|>[\]()#<:@-]/g, '\\$&');
}

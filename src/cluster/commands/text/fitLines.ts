/** @returns as many of the lines as fit into `maxLength` characters, and a last one that counts the others. */
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

/**
 * How long to wait before the next attempt: nothing after 0 failures, then `baseMs` doubled per failure up to `maxMs`, each
 * spread by a quarter up and down, so that the shards of a fleet do not come back in step.
 */
export function reconnectDelay(failures: number, baseMs: number, maxMs: number, random = Math.random): number {
  if (failures <= 0) return 0;
  return Math.min(baseMs * 2 ** (failures - 1), maxMs) * (0.75 + random() / 2);
}

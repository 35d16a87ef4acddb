import ms, { type StringValue } from 'ms';

/** The longest delay that a timer takes; a longer one would fire at once (nodejs.org/api/timers.html#settimeoutcallback-delay-args). */
export const MAX_DURATION_MS = 2 ** 31 - 1;

/**
 * Reads a duration such as `10s`, `1.5m` or `500ms`. The unit is required, because a bare `5` could mean seconds or milliseconds.
 *
 * @returns whole milliseconds, or undefined where the text is no duration.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+\.?\d*|\.\d+) *[a-z]+$/i.test(text)) return undefined;
  const value: number | undefined = ms(text as StringValue);
  return value === undefined ? undefined : Math.round(value);
}

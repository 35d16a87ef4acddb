import { scrub } from '../../core/log/secrets.js';

/** @returns the value as JSON in which every secret is hidden. */
export function answerText(value: unknown): string {
  const text = JSON.stringify(value);
  const clean = scrub(text);
  if (clean === text) return text;
  try {
    JSON.parse(clean);
    return clean;
  } catch {
    // A secret of digits only took numbers with it. Texts alone can hold one that is not there by chance.
    return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? scrub(inner) : inner));
  }
}

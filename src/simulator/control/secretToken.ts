import { randomBytes, timingSafeEqual } from 'node:crypto';

/** @returns 256 random bits, as text that needs no escaping anywhere. */
export function secretToken(): string {
  return randomBytes(32).toString('base64url');
}

/** @returns whether they are the same, in a time that does not tell how much of them is. */
export function isSameToken(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

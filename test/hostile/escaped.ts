import { afterEach, beforeEach } from 'vitest';

/** Errors that nobody caught since the file began. In a bot each would end the process. */
export const escaped: unknown[] = [];

const note = (error: unknown): void => void escaped.push(error);
beforeEach(() => {
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

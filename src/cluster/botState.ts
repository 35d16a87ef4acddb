import { KallistiError } from '../core/errors.js';

/**
 * How long the bot's `saveState` and its `restoreState` may take, in milliseconds. Nobody hears the shards meanwhile, and
 * Discord gives up an interaction that is not acknowledged within 3 s.
 */
const TIMEOUT_MS = 2_000;
const LATE = Symbol('late');

/** @throws KallistiError HANDOVER_FAILED where `saveState` throws, takes too long, or returns what is no JSON. */
export async function saveState(save: (() => unknown) | undefined): Promise<{ readonly state?: unknown }> {
  if (save === undefined) return {};
  const state = await inTime('saveState', save);
  if (state === undefined) return {};
  try {
    if (JSON.stringify(state) === undefined) throw new TypeError(`a ${typeof state}`);
  } catch (error) {
    throw failed('saveState returned what cannot be written as JSON', error);
  }
  return { state };
}

/** @throws KallistiError HANDOVER_FAILED where `restoreState` throws or takes too long. */
export async function restoreState(restore: (state: unknown) => void | Promise<void>, state: unknown): Promise<void> {
  await inTime('restoreState', () => restore(state));
}

async function inTime<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), TIMEOUT_MS);
  });
  let value: T | typeof LATE;
  try {
    value = await Promise.race([work(), late]);
  } catch (error) {
    throw failed(`${name} threw`, error);
  } finally {
    clearTimeout(timer);
  }
  if (value === LATE) throw new KallistiError('HANDOVER_FAILED', `${name} did not end within ${TIMEOUT_MS} ms`);
  return value;
}

function failed(what: string, error: unknown): KallistiError {
  const reason = error instanceof Error ? error.message : String(error);
  return new KallistiError('HANDOVER_FAILED', `${what}: ${reason}`, { cause: error });
}

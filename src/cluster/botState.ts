import { KallistiError } from '../core/errors.js';
import { type Clock, systemClock, type Timer } from '../core/time/clock.js';

/**
 * How long the bot's `saveState` and its `restoreState` may each take, in milliseconds. No process hears the shards meanwhile,
 * and Discord gives up an interaction that is not acknowledged within 3 s.
 */
const TIMEOUT_MS = 2_000;
const LATE = Symbol('late');

/**
 * Calls the bot's `saveState`.
 *
 * @returns what it returned; nothing where there is no such function, or it returned undefined.
 * @throws KallistiError HANDOVER_FAILED where it throws, takes longer than 2 s, or returns what is no JSON.
 */
export async function saveState(
  save: (() => unknown) | undefined,
  clock: Pick<Clock, 'setTimeout'> = systemClock,
): Promise<{ readonly state?: unknown }> {
  if (save === undefined) return {};
  const state = await inTime('saveState', save, clock);
  if (state === undefined) return {};
  try {
    if (JSON.stringify(state) === undefined) throw new TypeError(`a ${typeof state}`);
  } catch (error) {
    throw failed('saveState returned what cannot be written as JSON', error);
  }
  return { state };
}

/**
 * Calls the bot's `restoreState`.
 *
 * @throws KallistiError HANDOVER_FAILED where it throws or takes longer than 2 s.
 */
export async function restoreState(
  restore: (state: unknown) => void | Promise<void>,
  state: unknown,
  clock: Pick<Clock, 'setTimeout'> = systemClock,
): Promise<void> {
  await inTime('restoreState', () => restore(state), clock);
}

async function inTime<T>(name: string, work: () => T | Promise<T>, clock: Pick<Clock, 'setTimeout'>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = clock.setTimeout(() => resolve(LATE), TIMEOUT_MS);
  });
  let value: T | typeof LATE;
  try {
    value = await Promise.race([work(), late]);
  } catch (error) {
    throw failed(`${name} threw`, error);
  } finally {
    timer?.cancel();
  }
  if (value === LATE) throw new KallistiError('HANDOVER_FAILED', `${name} did not end within ${TIMEOUT_MS} ms`);
  return value;
}

function failed(what: string, error: unknown): KallistiError {
  const reason = error instanceof Error ? error.message : String(error);
  return new KallistiError('HANDOVER_FAILED', `${what}: ${reason}`, { cause: error });
}

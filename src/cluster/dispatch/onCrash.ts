import type { OnCrash } from './Dispatch.js';

const RULES = new WeakMap<object, OnCrash>();

/**
 * Says what becomes of the work of a listener when its process crashes meanwhile: `again` (the default for every listener), or
 * `drop`, for listeners where doing it twice is worse than not at all.
 *
 * ```ts
 * client.on('messageCreate', onCrash('drop', (message) => pay(message)));
 * ```
 *
 * @returns the listener itself.
 */
export function onCrash<Listener extends (...args: never[]) => unknown>(rule: OnCrash, listener: Listener): Listener {
  RULES.set(listener, rule);
  return listener;
}

/** @returns undefined where nothing was said. A listener of `once()` is wrapped by Node, which keeps the original in `listener`. */
export function ruleOf(listener: object): OnCrash | undefined {
  const original: unknown = Reflect.get(listener, 'listener');
  return RULES.get(listener) ?? (typeof original === 'function' ? RULES.get(original) : undefined);
}

type Fetch = typeof globalThis.fetch;

/** One try of a request. Where oceanic.js has an undici agent for `fetch`, it has this. */
export interface Attempt {
  fetch(next: Fetch, url: Parameters<Fetch>[0], init: RequestInit): Promise<Response>;
}

const attempts = new WeakSet<object>();
let isInstalled = false;

/** @returns what to give to `fetch` as its `dispatcher`, so that it leaves this call to the attempt. */
export function markAttempt(attempt: Attempt): Attempt {
  attempts.add(attempt);
  return attempt;
}

/**
 * oceanic.js calls the global `fetch` and has no other way out: an undici agent of ours would have to know the inside of each Node's
 * undici, which changed twice between Node 20 and 26. So this process has a `fetch` that knows its attempts, and passes all
 * other calls on as they are.
 */
export function interceptFetch(): void {
  if (isInstalled) return;
  isInstalled = true;
  const next = globalThis.fetch;
  globalThis.fetch = (url, init) => {
    const attempt: unknown = init === undefined ? undefined : Reflect.get(init, 'dispatcher');
    return isAttempt(attempt) ? attempt.fetch(next, url, init ?? {}) : next(url, init);
  };
}

function isAttempt(value: unknown): value is Attempt {
  return typeof value === 'object' && value !== null && attempts.has(value);
}

import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a condition by looking again and again. @throws Error where it does not come true in two minutes. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${condition}`);
    await sleep(5);
  }
}

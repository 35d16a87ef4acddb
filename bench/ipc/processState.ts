import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ProcessState } from './EchoContract.js';

let collect: (() => void) | undefined;

/** Collects garbage, as `global.gc` does under `--expose-gc`, in a process that was started without that flag. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

/** @returns memory after a garbage collection, and what is active. */
export async function processState(): Promise<ProcessState> {
  for (let turn = 0; turn < 3; turn++) {
    collectGarbage();
    // The allocator gives pages back in the background.
    await sleep(100);
  }
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { rssBytes: process.memoryUsage.rss(), resources };
}

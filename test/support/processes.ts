import { readdirSync, readFileSync } from 'node:fs';
import { createLogger, type Logger } from '../../src/core/log/logger.js';

/** Whether a process with this id runs. A zombie does not: its parent has only not asked for its end yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** @returns the ids of the processes that run and that were started with such a variable (`NAME=value`) in their environment. */
export function processesWith(isTheirs: (variable: string) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return isAlive(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').some(isTheirs);
      } catch {
        // It ended while we looked.
        return false;
      }
    });
}

/** A logger that keeps its lines to itself. */
export function silentLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  return Object.assign(createLogger({ level: 'trace', pretty: false, destination }), { lines });
}

/** Waits for a condition by looking again and again; fails by the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** @returns what the promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
}

import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { processesWith } from './processes.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Has a folder for each test file, which is its temporary folder and that of the processes it starts. */
    temporaryFolder: string;
  }
}

/** A process that was told to end may need so long on a busy machine. */
const GRACE_MS = 5_000;

/** A file system in memory, which Linux has. A container may have one of 64 MB only, which is too small. */
const MEMORY = '/dev/shm';
const MEMORY_NEEDED_BYTES = 1024 ** 3;

/** Fails the run when a process of the tests still runs at its end, or when something is left in a temporary folder. */
export default function setup(project: TestProject): () => Promise<void> {
  // Unit tests create, rename and delete thousands of small files, and a disk takes longer for that than all else takes.
  const folder = mkdtempSync(join(project.name === 'unit' && hasMemoryFolder() ? MEMORY : tmpdir(), 'kt-'));
  project.provide('temporaryFolder', folder);
  return async () => {
    const left = [...(await endProcesses(folder)), ...filesIn(folder)];
    rmSync(folder, { recursive: true, force: true });
    if (left.length === 0) return;
    // Vitest only logs what a teardown throws.
    process.exitCode = 1;
    throw new Error(`the tests left behind:\n${left.join('\n')}`);
  };
}

function hasMemoryFolder(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_NEEDED_BYTES;
  } catch {
    // This system has none.
    return false;
  }
}

/** Ends the processes that are left. @returns a line for each. */
async function endProcesses(folder: string): Promise<string[]> {
  const running = (): number[] => processesWith((variable) => variable.startsWith(`TMPDIR=${folder}/`));
  const deadline = performance.now() + GRACE_MS;
  while (running().length > 0 && performance.now() < deadline) await sleep(50);
  return running().map((pid) => {
    const [command, environment] = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
    const testFile = /(?:^|\0)TMPDIR=([^\0]*)/.exec(environment ?? '')?.[1]?.slice(folder.length + 1);
    process.kill(pid, 'SIGKILL');
    return `${testFile}: process ${pid}: ${command?.replaceAll('\0', ' ')}`;
  });
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((testFile) =>
    readdirSync(join(folder, testFile)).map((name) => `${testFile}: ${join(folder, testFile, name)}`),
  );
}

import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** One life of one process: a later process may have the same pid. `startedAt` is null where the system does not say. */
export interface ProcessLife {
  readonly pid: number;
  readonly startedAt: string | null;
}

/** One run of the operating system. `id` is null where it has none; then the time of its start must do. */
export interface BootLife {
  readonly id: string | null;
  readonly bootedAt: number;
}

/** Clocks are set, and the start's time is computed from one. */
const BOOT_TIME_TOLERANCE_MS = 60_000;

export function ownLife(): ProcessLife {
  return { pid: process.pid, startedAt: statOf(process.pid)?.startedAt ?? null };
}

/** Whether this process still runs. Without /proc a later process with the same pid is taken for it. */
export function isAlive({ pid, startedAt }: ProcessLife): boolean {
  const stat = statOf(pid);
  if (stat !== undefined && startedAt !== null) return stat.alive && stat.startedAt === startedAt;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, but it is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

export function isSameLife(a: ProcessLife, b: ProcessLife): boolean {
  return a.pid === b.pid && a.startedAt === b.startedAt;
}

export function currentBoot(): BootLife {
  return {
    id: read('/proc/sys/kernel/random/boot_id')?.trim() ?? null,
    bootedAt: Math.round(Date.now() - uptime() * 1000),
  };
}

export function isSameBoot(a: BootLife, b: BootLife): boolean {
  if (a.id !== null && b.id !== null) return a.id === b.id;
  return Math.abs(a.bootedAt - b.bootedAt) < BOOT_TIME_TOLERANCE_MS;
}

/** From /proc/<pid>/stat (proc_pid_stat(5)): state is field 3, the start in clock ticks since boot is field 22. */
function statOf(pid: number): { readonly alive: boolean; readonly startedAt: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // Field 2 is the program's name in brackets, and may hold blanks and brackets itself.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startedAt = fields?.[19];
  // A zombie has ended; its parent has only not asked for its end yet.
  return startedAt === undefined ? undefined : { alive: fields?.[0] !== 'Z' && fields?.[0] !== 'X', startedAt };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // No such process, or no /proc.
  }
}

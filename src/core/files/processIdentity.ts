import { readFileSync, readlinkSync } from 'node:fs';
import { z } from 'zod';

/** A process as files name it. */
export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  /** Boot of the machine and clock ticks since then at its start; null where the system does not say (no /proc). */
  startedAt: z.string().nullable(),
  /** The namespace of its pid: each container counts its own. Null where the system does not say. */
  pidNamespace: z.string().nullable(),
});

/** One process: its pid, and what tells it from a later process with the same pid. */
export type ProcessIdentity = Readonly<z.infer<typeof processIdentitySchema>>;

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startedAt: processStat(pid)?.startedAt ?? null, pidNamespace: pidNamespace() };
}

/**
 * Without /proc a later process with the same pid is taken for this one.
 *
 * @returns whether this process still runs, or null where nobody can say, because it was seen from another container.
 */
export function isRunning(identity: ProcessIdentity): boolean | null {
  if (identity.pidNamespace !== pidNamespace()) return null;
  const stat = processStat(identity.pid);
  if (stat !== undefined && identity.startedAt !== null) return stat.alive && stat.startedAt === identity.startedAt;
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, but it is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

export function isSameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startedAt === b.startedAt && a.pidNamespace === b.pidNamespace;
}

/** @returns the id of this run of the operating system, or null where it has none. */
export function bootId(): string | null {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
}

/** From /proc/<pid>/stat (proc_pid_stat(5)): state is field 3, the start in clock ticks since boot is field 22. */
function processStat(pid: number): { readonly alive: boolean; readonly startedAt: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // Field 2 is the program's name in brackets. It may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], fields[19]];
  if (ticks === undefined) return undefined;
  // A zombie (Z) has ended, but its parent has not asked for its exit code yet. Ticks begin anew with every boot.
  return { alive: state !== 'Z' && state !== 'X', startedAt: `${bootId()} ${ticks}` };
}

function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null; // Not Linux.
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // No such process, or no /proc.
  }
}

import { uptime } from 'node:os';
import { bootId } from '../../core/files/processIdentity.js';

/** One run of the operating system. `id` is null where it has none; then the time of its start must do. */
export interface BootLife {
  readonly id: string | null;
  readonly bootedAt: number;
}

/** Clocks are set, and the start's time is computed from one. */
const BOOT_TIME_TOLERANCE_MS = 60_000;

export function currentBoot(): BootLife {
  return { id: bootId(), bootedAt: Math.round(Date.now() - uptime() * 1000) };
}

export function isSameBoot(a: BootLife, b: BootLife): boolean {
  if (a.id !== null && b.id !== null) return a.id === b.id;
  return Math.abs(a.bootedAt - b.bootedAt) < BOOT_TIME_TOLERANCE_MS;
}

import { readFileSync } from 'node:fs';

/** @returns whether the kernel has ended the process: gone, or a zombie that its parent has not asked about yet. */
export function hasEnded(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE = '64m';

/** A small file system that a test can fill. */
export class Disk {
  private constructor(public readonly path: string) {}

  /** @returns undefined where no file system can be mounted. */
  public static mount(): Disk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'kallisti-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', path], { stdio: 'ignore' });
    } catch {
      rmdirSync(path);
      return undefined;
    }
    return new Disk(path);
  }

  /** Fills it to the last byte. */
  public fill(): void {
    const file = openSync(this.#ballast, 'w');
    try {
      for (const chunk of [Buffer.alloc(1 << 20), Buffer.alloc(1 << 10), Buffer.alloc(1)]) {
        try {
          for (;;) writeSync(file, chunk);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  public free(): void {
    rmSync(this.#ballast, { force: true });
  }

  public unmount(): void {
    // Lazily, because a process that was killed a moment ago may still have a file open.
    execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
    rmdirSync(this.path);
  }

  get #ballast(): string {
    return join(this.path, 'ballast');
  }
}

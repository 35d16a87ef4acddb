import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file as a whole, with mode 0600. A reader sees the old content or the new, whatever kills the writer. There is no
 * fsync: after a crash of the operating system the file may be old or empty.
 *
 * @throws Error of the file system.
 */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  // A killed process of the same pid may have left one. It may also be somebody else's link, which must not be followed.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, path);
}

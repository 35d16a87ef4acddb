import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JsonFile } from '../core/files/JsonFile.js';
import { isRunning, processIdentitySchema } from '../core/files/processIdentity.js';

/*
 * What a master leaves in DATA_DIR for others to find it by. Only read here: what is missing or damaged is undefined.
 */

export interface LockOwner {
  readonly pid: number;
  /** Null where it cannot be said: it was seen from another container. */
  readonly isRunning: boolean | null;
}

/** The token that the master made. */
export function readToken(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'admin-token'), 'utf8').trim() || undefined;
  } catch {
    return undefined; // Not there, or not ours to read.
  }
}

/** Who owns DATA_DIR, or did when it died. */
export function readLockOwner(dataDir: string): LockOwner | undefined {
  const owner = new JsonFile(join(dataDir, 'master.lock'), processIdentitySchema).tryRead();
  return owner === undefined ? undefined : { pid: owner.pid, isRunning: isRunning(owner) };
}

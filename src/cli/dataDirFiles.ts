import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AdminAddress } from '../core/contracts/AdminApi.js';
import { isRunning } from '../core/files/processIdentity.js';

/*
 * What a master leaves in DATA_DIR for others to find it by. Only read here: what is missing or damaged is undefined.
 */

const addressSchema: z.ZodType<AdminAddress> = z.object({
  url: z.string().regex(/^https?:\/\//),
  pid: z.number().int().positive(),
  version: z.string(),
});

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  startedAt: z.string().nullable(),
  pidNamespace: z.string().nullable(),
});

export interface LockOwner {
  readonly pid: number;
  /** Null where it cannot be said: it was seen from another container. */
  readonly isRunning: boolean | null;
}

/** Where the admin API of the master on this DATA_DIR listens, or listened when it died. */
export function readAddress(dataDir: string): AdminAddress | undefined {
  return parse(addressSchema, readText(join(dataDir, 'admin.json')));
}

/** The token that the master made. */
export function readToken(dataDir: string): string | undefined {
  return readText(join(dataDir, 'admin-token'))?.trim() || undefined;
}

/** Who owns DATA_DIR, or did when it died. */
export function readLockOwner(dataDir: string): LockOwner | undefined {
  const owner = parse(ownerSchema, readText(join(dataDir, 'master.lock')));
  return owner === undefined ? undefined : { pid: owner.pid, isRunning: isRunning(owner) };
}

function parse<Value>(schema: z.ZodType<Value>, text: string | undefined): Value | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Damaged.
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // Not there, or not ours to read.
  }
}

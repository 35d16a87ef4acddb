import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from './JsonFile.js';
import { type ProcessIdentity, processIdentitySchema } from './processIdentity.js';

/** The file in the folder of a shard's store that says who writes the store. */
export const STORE_LABEL = 'label.json';

/** The part of it that others than the store may read. */
const schema = z.object({ writer: processIdentitySchema.nullable() });

/** @returns the processes that the stores of a bot's shards name as their writers, each once, whether they still run or not. */
export function storeWriters(dataDir: string): ProcessIdentity[] {
  const shards = join(dataDir, 'shards');
  const writers = new Map<number, ProcessIdentity>();
  for (const name of namesIn(shards)) {
    const writer = new JsonFile(join(shards, name, STORE_LABEL), schema).tryRead()?.writer;
    if (writer) writers.set(writer.pid, writer);
  }
  return [...writers.values()];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // There is no such folder yet, or it is not ours to read: then no store of it is of use either.
  }
}

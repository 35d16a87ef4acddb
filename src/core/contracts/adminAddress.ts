import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../files/JsonFile.js';

const schema = z.object({
  /** For example `http://127.0.0.1:8600`, without a slash at the end. */
  url: z.string().regex(/^https?:\/\//),
  /** Of the master. If that process is gone, a crash has left the file. */
  pid: z.number().int().positive(),
  version: z.string(),
});

/** Where the admin API listens. */
export type AdminAddress = Readonly<z.infer<typeof schema>>;

/** @returns `DATA_DIR/admin.json`. The master writes it when its admin API listens, and removes it when it stops. */
export function adminAddressFile(dataDir: string): JsonFile<AdminAddress> {
  return new JsonFile(join(dataDir, 'admin.json'), schema);
}

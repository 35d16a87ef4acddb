import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../files/JsonFile.js';

const schema = z.object({
  /** For example `http://127.0.0.1:8600`, without a slash at the end. */
  url: z.string().regex(/^https?:\/\//),
  /** The master's. A file whose process is gone was left by a crash. */
  pid: z.number().int().positive(),
  version: z.string(),
});

/** Where the admin API listens. */
export type AdminAddress = Readonly<z.infer<typeof schema>>;

/** `DATA_DIR/admin.json`: the master writes it when its admin API listens, and removes it when it stops. */
export function adminAddressFile(dataDir: string): JsonFile<AdminAddress> {
  return new JsonFile(join(dataDir, 'admin.json'), schema);
}

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdminAddress } from '../../core/contracts/AdminApi.js';
import { ConfigError } from '../../core/errors.js';
import { explain } from '../dataDir/DataDir.js';

/** `DATA_DIR/admin.json`: where the admin API of the running master is, for the command line. Mode 0600. */
export class AddressFile {
  readonly #path: string;

  public constructor(dataDir: string) {
    this.#path = join(dataDir, 'admin.json');
  }

  /** @throws ConfigError DATA_DIR_UNUSABLE */
  public write(address: AdminAddress): void {
    const temporary = `${this.#path}.tmp`;
    try {
      writeFileSync(temporary, `${JSON.stringify(address)}\n`, { mode: 0o600 });
      // In one step, so that nobody reads half of it.
      renameSync(temporary, this.#path);
    } catch (error) {
      throw new ConfigError(`${this.#path}: ${explain(error)}`, 'DATA_DIR_UNUSABLE');
    }
  }

  public remove(): void {
    rmSync(this.#path, { force: true });
  }
}

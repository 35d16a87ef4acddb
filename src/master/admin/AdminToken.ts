import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { describeFileError } from '../../core/files/describeFileError.js';
import { Secret } from '../../core/log/secrets.js';

const FILE_NAME = 'admin-token';

/** The secret of the admin API. It is compared by its hash, so that the time does not tell how much of a guess is right. */
export class AdminToken {
  readonly #hash: Buffer;

  public constructor(secret: Secret) {
    this.#hash = hash(secret.reveal());
  }

  /**
   * @param configured ADMIN_TOKEN. Without it the token is read from `DATA_DIR/admin-token`, or made and written there
   * (mode 0600). Only the holder of DATA_DIR's lock may call this.
   * @throws ConfigError DATA_DIR_UNUSABLE
   */
  public static load(dataDir: string, configured: Secret | undefined): AdminToken {
    if (configured !== undefined) return new AdminToken(configured);
    const path = join(dataDir, FILE_NAME);
    try {
      return new AdminToken(new Secret(readToken(path) ?? makeToken(path)));
    } catch (error) {
      throw new ConfigError(`${path}: ${describeFileError(error)}`, 'DATA_DIR_UNUSABLE');
    }
  }

  public matches(guess: string): boolean {
    return timingSafeEqual(this.#hash, hash(guess));
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** @returns undefined if there is no token, or one too short to be whole, as after a write that a full disk cut. */
function readToken(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  // A copy or a restored backup may have another mode.
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return text.length >= 16 ? text : undefined;
}

function makeToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  writeFileSync(path, `${token}\n`, { mode: 0o600, flush: true });
  return token;
}

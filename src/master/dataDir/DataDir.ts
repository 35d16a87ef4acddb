import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { describeFileError } from '../../core/files/describeFileError.js';
import { DataDirLock } from './DataDirLock.js';

/** Longest path of a unix socket that every platform takes (Linux allows 107 bytes, macOS 103). */
const MAX_SOCKET_PATH_BYTES = 100;
const ANSWER_TIMEOUT_MS = 1000;

/**
 * The folder in which a bot keeps everything that must outlive a process. One master at a time owns it.
 *
 * Its operations are few and run at the start, so they are synchronous. What goes wrong is a {@link ConfigError} of one line.
 */
export class DataDir {
  /** Absolute. */
  public readonly path: string;
  readonly #setting: string;
  readonly #lock: DataDirLock;

  /** @param setting the value of DATA_DIR; relative to the working directory. */
  public constructor(setting: string) {
    this.#setting = setting;
    this.path = resolve(setting);
    this.#lock = new DataDirLock(this.path, () => answers(this.#socketFile()));
  }

  /**
   * Makes the folders that are missing, and tries to write.
   *
   * @throws ConfigError DATA_DIR_UNUSABLE
   */
  public prepare(): void {
    this.#orExplain(() => {
      // A folder that exists keeps its mode: somebody chose it. The sockets' folder must be ours alone.
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
      const ipc = join(this.path, 'ipc');
      mkdirSync(ipc, { recursive: true, mode: 0o700 });
      if (process.platform !== 'win32') chmodSync(ipc, 0o700);
      const probe = join(this.path, `.write-test-${process.pid}`);
      try {
        writeFileSync(probe, 'x'.repeat(4096), { flush: true });
      } finally {
        rmSync(probe, { force: true });
      }
    });
  }

  /**
   * Makes this process the one master of the folder, until {@link releaseLock} or its end. The lock of a dead master does not
   * matter.
   *
   * @throws ConfigError DATA_DIR_IN_USE when another master lives, DATA_DIR_UNUSABLE when the lock cannot be written.
   */
  public async acquireLock(): Promise<void> {
    const holder = await this.#lock.acquire().catch((error: unknown) => {
      throw this.#unusable(error);
    });
    if (holder === undefined) return;
    const who = `pid ${holder.pid}${holder.inOtherContainer ? ' of another container' : ''}`;
    throw new ConfigError(
      `DATA_DIR=${this.#setting}: another master (${who}) already runs on it; stop that one, or give this one a folder of its own`,
      'DATA_DIR_IN_USE',
    );
  }

  public releaseLock(): void {
    this.#lock.release();
  }

  /**
   * Where the master listens for its workers: in DATA_DIR, or a named pipe on Windows. Where the path is too long for a socket,
   * it is in a private folder among the temporary files, under a name that follows from DATA_DIR.
   *
   * @throws ConfigError DATA_DIR_UNUSABLE when the private folder is not ours alone.
   */
  public socketPath(): string {
    const file = this.#socketFile();
    if (file === this.#socketFileInDataDir() || process.platform === 'win32') return file;
    this.#orExplain(() => makePrivateFolder(resolve(file, '..')));
    if (Buffer.byteLength(file) > MAX_SOCKET_PATH_BYTES) {
      throw this.#unusable(
        new Error(`its path is too long for a socket, and so is that of the temporary folder (${tmpdir()})`),
      );
    }
    return file;
  }

  #socketFile(): string {
    const hash = createHash('sha256').update(this.path).digest('hex').slice(0, 24);
    if (process.platform === 'win32') return `\\\\.\\pipe\\kallisti-${hash}`;
    const inDataDir = this.#socketFileInDataDir();
    if (Buffer.byteLength(inDataDir) <= MAX_SOCKET_PATH_BYTES) return inDataDir;
    return join(tmpdir(), `kallisti-${process.getuid?.() ?? 0}`, `${hash}.sock`);
  }

  #socketFileInDataDir(): string {
    return join(this.path, 'ipc', 'master.sock');
  }

  #orExplain(act: () => void): void {
    try {
      act();
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): ConfigError {
    return new ConfigError(`DATA_DIR=${this.#setting}: ${describeFileError(error)}`, 'DATA_DIR_UNUSABLE');
  }
}

/** Anybody can write in the parent folder and knows the name beforehand. Somebody may have made the folder to read along. */
function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) {
    throw new Error(
      `its path is too long for a socket, and ${path}, which would be used instead, is not a folder of this user alone (mode 0700)`,
    );
  }
}

/** Whether a process listens on this socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
    // A master that listens and is too busy to accept is one, too.
    socket.setTimeout(ANSWER_TIMEOUT_MS, end(true));
  });
}

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { KallistiError } from '../../core/errors.js';
import { LineForwarder } from '../../core/log/LineForwarder.js';
import { LogTail } from '../../core/log/LogTail.js';
import type { Logger } from '../../core/log/logger.js';
import { within } from '../../core/time/within.js';

/** What a bot needs to know of a Discord. */
export interface LocalDiscordAddress {
  readonly url: string;
  readonly token: string;
  readonly ownerId: string;
}

/** Kallisti's own simulator, wherever the running program lies: a bot in a package of its own has none. */
const PROGRAM = fileURLToPath(new URL('../../entrypoints/simulator.js', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 3_000;

/**
 * The local Discord that stands in where no token is set. It runs in a process of its own, which ends when its stdin closes. So it
 * cannot outlive this process, however this one ends. It prints its token on its stdout, which only this process reads.
 */
export class LocalDiscord {
  readonly #logger: Logger;
  readonly #args: readonly string[];
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  /** @param args arguments of the simulator, see `npm run simulator -- --help`. */
  public constructor(logger: Logger, args: readonly string[]) {
    this.#logger = logger;
    this.#args = args;
  }

  /** @throws KallistiError DISCORD_UNREACHABLE where it does not come up. */
  public async start(): Promise<LocalDiscordAddress> {
    const child = await this.#spawn();
    this.#child = child;
    // A child that died has closed its stdin. The error says nothing that its exit does not.
    child.stdin.on('error', (error) => this.#logger.debug({ err: error }, "the local Discord's stdin closed"));
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    const tail = new LogTail(20);
    const bindings = { kind: 'simulator', ...(child.pid === undefined ? {} : { pid: child.pid }) };
    const forwarder = new LineForwarder({ logger: this.#logger, bindings, tail });
    void forwarder.attach(child.stderr, 'stderr');
    const address = await new Promise<LocalDiscordAddress | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), START_TIMEOUT_MS);
      const done = (found?: LocalDiscordAddress): void => {
        clearTimeout(timer);
        resolve(found);
      };
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const end = text.indexOf('\n');
        if (end >= 0) done(JSON.parse(text.slice(0, end)) as LocalDiscordAddress);
      });
      void this.#exited.then(() => done());
    });
    if (address !== undefined) return address;
    await this.stop();
    const lines = tail.lines().join('\n');
    throw new KallistiError(
      'DISCORD_UNREACHABLE',
      `the local Discord did not start${lines === '' ? '' : `:\n${lines}`}`,
    );
  }

  async #spawn(): Promise<ChildProcessByStdio<Writable, Readable, Readable>> {
    try {
      const child = spawn(
        process.execPath,
        [PROGRAM, '--json', '--exit-with-parent', '--no-control', ...this.#args],
        // In a process group of its own: Ctrl-C is for the master, whose clusters still have to close their sessions.
        { stdio: ['pipe', 'pipe', 'pipe'], detached: true, windowsHide: true },
      );
      // Rejects where there is no process. Such a child may have no streams (EMFILE), so nothing reads them before this.
      await once(child, 'spawn');
      return child;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new KallistiError('DISCORD_UNREACHABLE', `the local Discord did not start: ${reason}`, { cause: error });
    }
  }

  /** Resolves when its process is gone. */
  public async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    if (!(await within(this.#exited, STOP_TIMEOUT_MS))) child.kill('SIGKILL');
    await this.#exited;
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

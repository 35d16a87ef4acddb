import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtocolError } from '../errors.js';
import { SocketTransport } from './SocketTransport.js';
import { TRANSPORT_LIMITS } from './Transport.js';

/** A worker's first message on its connection. */
export interface Hello {
  readonly protocol: number;
  readonly secret: string;
  readonly pid: number;
  /** Whether the worker has said `ready` to an earlier master. */
  readonly ready: boolean;
}

/** Version of frames, hello, envelopes and control messages. A peer of another version is refused. */
export const PROTOCOL_VERSION = 2;

const HELLO_MAX_BYTES = 4096;
const HELLO_TIMEOUT_MS = 5_000;

type Admit = (transport: SocketTransport, hello: Hello) => void;

/**
 * The master's side of the socket on which workers call back. It admits one connection for each secret that {@link expect} has
 * handed out. It cuts off whoever sends anything else, before it has read more than 4 kB.
 */
export class IpcServer {
  readonly #expected = new Map<string, Admit>();
  readonly #strangers = new Set<Socket>();
  #farewell: string | undefined;
  readonly #server: Server;
  #users = 0;
  #cleanUp: () => Promise<void> = () => Promise.resolve();
  #path = '';

  static #shared: Promise<IpcServer> | undefined;

  public constructor() {
    this.#server = createServer((socket) => this.#greet(socket));
    // A connection that cannot be accepted (EMFILE) fails its worker's start. Without a listener Node would end this process.
    this.#server.on('error', () => undefined);
  }

  /** The socket's path. */
  public get path(): string {
    return this.#path;
  }

  /**
   * The server of programs that set none up themselves. It is made with the first worker, in a new folder that only this user
   * can open (0700), and is gone with the last. Every call is paired with one of {@link release}.
   */
  public static async acquireShared(): Promise<IpcServer> {
    IpcServer.#shared ??= (async () => {
      const folder = await mkdtemp(join(tmpdir(), 'kallisti-'));
      const server = new IpcServer();
      server.#cleanUp = () => rm(folder, { recursive: true, force: true });
      try {
        await server.listen(process.platform === 'win32' ? `\\\\.\\pipe\\${folder}` : join(folder, 'ipc.sock'));
      } catch (error) {
        await server.close();
        throw error;
      }
      return server;
    })();
    const shared = IpcServer.#shared;
    try {
      const server = await shared;
      server.#users++;
      return server;
    } catch (error) {
      if (IpcServer.#shared === shared) IpcServer.#shared = undefined;
      throw error;
    }
  }

  /** Ends one use of the shared server. The last one closes it. */
  public async release(): Promise<void> {
    if (--this.#users > 0) return;
    IpcServer.#shared = undefined;
    await this.close();
  }

  /** Listens on `path`, which must be this process's own: a socket that a dead process has left there is removed. */
  public async listen(path: string): Promise<void> {
    if (process.platform !== 'win32') await unlink(path).catch(ignoreMissing);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#path = path;
    if (process.platform !== 'win32') await chmod(path, 0o600);
  }

  /**
   * Calls `admit` when somebody shows the secret. Later messages go to the listener that `admit` sets, so it must set one before
   * it returns.
   *
   * @param secret Default: a new one of 256 bits. One that an earlier master handed out lets its worker come back.
   * @returns the secret, and what makes it void.
   */
  public expect(admit: Admit, secret = randomBytes(32).toString('base64url')): { secret: string; cancel: () => void } {
    this.#expected.set(secret, admit);
    return { secret, cancel: () => void this.#expected.delete(secret) };
  }

  /**
   * From now on, who shows a wrong secret in a good hello is told this, and then cut off.
   *
   * @param farewell undefined: nothing is told, as in the beginning.
   */
  public tellStrangers(farewell: string | undefined): void {
    this.#farewell = farewell;
  }

  /** Stops listening and cuts strangers off. Admitted connections live on. Idempotent. */
  public async close(): Promise<void> {
    for (const socket of this.#strangers) socket.destroy();
    this.#expected.clear();
    if (this.#server.listening) {
      // Not awaited: `close` calls back when every admitted connection has ended, and those belong to others.
      this.#server.close();
    }
    await this.#cleanUp();
  }

  #greet(socket: Socket): void {
    this.#strangers.add(socket);
    const transport = new SocketTransport(socket, TRANSPORT_LIMITS);
    transport.maxMessageBytes = HELLO_MAX_BYTES;
    const timer = setTimeout(() => transport.destroy(new ProtocolError('no hello in time')), HELLO_TIMEOUT_MS);
    const endGreeting = (): void => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
    };
    transport.listen({
      message: (text) => {
        const hello = parseHello(text);
        // A Map's lookup hashes the whole secret, so its timing does not help to guess one.
        const admit = hello && this.#expected.get(hello.secret);
        if (hello !== undefined && admit === undefined && this.#farewell !== undefined) {
          transport.send(this.#farewell);
          void transport.close();
          return;
        }
        if (hello === undefined || admit === undefined) {
          transport.destroy(new ProtocolError('a stranger'));
          return;
        }
        endGreeting();
        this.#expected.delete(hello.secret);
        transport.maxMessageBytes = TRANSPORT_LIMITS.maxMessageBytes;
        admit(transport, hello);
      },
      closed: endGreeting,
    });
  }
}

function parseHello(text: string): Hello | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { protocol, secret, pid, ready } = value as Partial<Record<keyof Hello, unknown>>;
    if (protocol !== PROTOCOL_VERSION || typeof secret !== 'string' || typeof pid !== 'number') return undefined;
    return { protocol, secret, pid, ready: ready === true };
  } catch {
    // Not JSON: a stranger like any other.
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

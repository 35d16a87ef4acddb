import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExitReason } from '../errors.js';
import { identityOf } from '../files/processIdentity.js';
import { IpcServer } from '../ipc/IpcServer.js';
import { AttachedProcess } from './AttachedProcess.js';
import { findEntrypoint } from './entrypoint.js';
import { WORKER_ENVIRONMENT_VARIABLE, type WorkerEnvironment } from './WorkerEnvironment.js';
import type { OnConnected, SpareHost, WorkerLaunch, WorkerLine, WorkerProcess } from './WorkerHost.js';
import type { WorkerRecord } from './WorkerRegistry.js';

interface LocalLine extends WorkerLine {
  readonly path: string;
}

/**
 * Runs workers as child processes of this one. They call back on a unix domain socket (a named pipe on Windows).
 *
 * Each child leads a process group of its own. So Ctrl-C in a terminal reaches the master alone, which then stops its workers
 * in order. A child gets no stdin and no Node IPC channel.
 */
export class LocalHost implements SpareHost {
  readonly #server: IpcServer | undefined;

  /** @param server Where workers call back. Default: a socket in a private folder, which all such hosts of a program share. */
  public constructor(server?: IpcServer) {
    this.#server = server;
  }

  public async spawn(launch: WorkerLaunch, onConnected: OnConnected): Promise<WorkerProcess> {
    const line = await this.#open(onConnected);
    try {
      const child = spawnChild(launch, line);
      const exited = new Promise<ExitReason>((resolve) => {
        child.once('exit', (code, signal) => resolve({ code, signal }));
      });
      return {
        identity: identityOf(await pidOf(child)),
        secret: line.secret,
        exited,
        // Without a file descriptor for the pipes (EMFILE) Node leaves them undefined, whatever its types say.
        stdout: child.stdout ?? null,
        stderr: child.stderr ?? null,
        signal: (signal) => void child.kill(signal),
        release: () => {
          child.unref();
          line.close();
        },
      };
    } catch (error) {
      line.close();
      throw error;
    }
  }

  public openLine(onConnected: OnConnected): Promise<WorkerLine> {
    return this.#open(onConnected);
  }

  public async attach({ identity, secret }: WorkerRecord, onConnected: OnConnected): Promise<WorkerProcess> {
    const line = await this.#open(onConnected, secret);
    const left = new AttachedProcess(identity);
    return {
      identity,
      secret,
      exited: left.exited,
      // The pipes went to the master that spawned it.
      stdout: null,
      stderr: null,
      signal: (signal) => left.signal(signal),
      release: () => {
        left.abandon();
        line.close();
      },
    };
  }

  async #open(onConnected: OnConnected, secret?: string): Promise<LocalLine> {
    const server = this.#server ?? (await IpcServer.acquireShared());
    const ticket = server.expect((transport, { ready }) => onConnected(transport, ready), secret);
    return {
      path: server.path,
      secret: ticket.secret,
      close: () => {
        ticket.cancel();
        if (this.#server === undefined) void server.release();
      },
    };
  }
}

function spawnChild(launch: WorkerLaunch, line: LocalLine): ChildProcess {
  const { id, kind, generation, entrypoint, args, execArgv, env, isSpare } = launch;
  const { path: socketPath, secret } = line;
  const environment: WorkerEnvironment = {
    ...{ id, kind, generation, socketPath, secret },
    ...(isSpare === undefined ? {} : { isSpare }),
  };
  return spawn(process.execPath, [...execArgv, findEntrypoint(entrypoint), ...args], {
    env: { ...process.env, ...env, [WORKER_ENVIRONMENT_VARIABLE]: JSON.stringify(environment) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
  });
}

/** @throws what the system says where there is no process. */
async function pidOf(child: ChildProcess): Promise<number> {
  // Node would end this process for an `error` that nobody hears. A signal that cannot be sent is one too: the exit still comes.
  child.on('error', () => undefined);
  if (child.pid !== undefined) return child.pid;
  const [error] = await once(child, 'error');
  throw error;
}

import { KallistiError } from '../errors.js';
import { Channel } from '../ipc/Channel.js';
import { Handlers } from '../ipc/Handlers.js';
import { type Hello, PROTOCOL_VERSION } from '../ipc/IpcServer.js';
import { SocketTransport } from '../ipc/SocketTransport.js';
import { ASSIGN, type Assignment, FAILED, READY, STOP, STOPPED, type StartFailure } from './controlMessages.js';
import { SignsOfLife } from './SignsOfLife.js';
import type { WorkerEnvironment } from './WorkerEnvironment.js';

export interface SpareWaitOptions {
  readonly environment: Pick<WorkerEnvironment, 'socketPath' | 'secret'>;
  /** The master wants this spare to end. */
  readonly onStop: () => void;
  /** The master is gone: nobody will assign anything to this process. */
  readonly onLost: () => void;
}

/**
 * The child's side of a spare: a process that has loaded its program and waits for the master to say which worker it becomes. It
 * has a connection of its own for that time. Its end is the end of the wait.
 */
export class SpareWait {
  readonly #options: SpareWaitOptions;
  readonly #signsOfLife = new SignsOfLife();
  readonly #assigned: Promise<Assignment>;
  #resolve: (assignment: Assignment) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #connecting: Promise<Channel> | undefined;
  #isOver = false;

  public constructor(options: SpareWaitOptions) {
    this.#options = options;
    this.#assigned = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A spare that ends before it has begun to wait has nobody to tell.
    this.#assigned.catch(() => undefined);
  }

  /**
   * Tells the master that this process is ready to become a worker, and waits for that.
   *
   * @throws KallistiError REQUEST_ABORTED where this process is not needed, or its master is gone.
   */
  public async assignment(): Promise<Assignment> {
    const channel = await this.#connect();
    channel.send(READY, undefined);
    const assignment = await this.#assigned;
    this.#signsOfLife.stop();
    await channel.close();
    return assignment;
  }

  /** Ends the wait: this process is going to end. */
  public stop(): Promise<void> {
    return this.#end(STOPPED, undefined);
  }

  /** The same, because it could not load what it needs. */
  public fail(failure: StartFailure): Promise<void> {
    return this.#end(FAILED, failure);
  }

  async #end(name: string, data: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const channel = await this.#connect().catch(() => undefined);
    if (channel?.closed === false) {
      channel.send(name, data);
      await channel.close();
    }
    this.#signsOfLife.stop();
    this.#reject(new KallistiError('REQUEST_ABORTED', 'this spare process is not needed any more'));
  }

  #connect(): Promise<Channel> {
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  async #open(): Promise<Channel> {
    const { environment, onStop, onLost } = this.#options;
    const transport = await SocketTransport.connect(environment.socketPath).catch((error: unknown) => {
      this.#isOver = true;
      onLost();
      throw error;
    });
    const handlers = new Handlers();
    const onAssign = (assignment: Assignment): void => {
      this.#isOver = true;
      this.#resolve(assignment);
    };
    handlers.add(ASSIGN, onAssign, true);
    handlers.add(STOP, onStop, true);
    const channel = new Channel({
      transport,
      handlers,
      peer: 'the master',
      // Neither handler throws.
      onEventError: () => undefined,
      onClosed: () => {
        this.#signsOfLife.stop();
        if (this.#isOver) return;
        this.#isOver = true;
        this.#reject(new KallistiError('REQUEST_ABORTED', 'the master of this spare process is gone'));
        onLost();
      },
    });
    const hello: Hello = { protocol: PROTOCOL_VERSION, secret: environment.secret, pid: process.pid, ready: false };
    transport.send(JSON.stringify(hello));
    channel.open();
    this.#signsOfLife.start(channel, () => undefined);
    return channel;
  }
}

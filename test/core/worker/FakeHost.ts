import { PassThrough } from 'node:stream';
import type { ExitReason } from '../../../src/core/errors.js';
import type { ProcessIdentity } from '../../../src/core/files/processIdentity.js';
import { Channel } from '../../../src/core/ipc/Channel.js';
import { Handlers } from '../../../src/core/ipc/Handlers.js';
import { MemoryTransport } from '../../../src/core/ipc/MemoryTransport.js';
import { TRANSPORT_LIMITS, type TransportLimits } from '../../../src/core/ipc/Transport.js';
import type { OnConnected, WorkerHost, WorkerLaunch, WorkerProcess } from '../../../src/core/worker/WorkerHost.js';
import type { WorkerRecord } from '../../../src/core/worker/WorkerRegistry.js';

/** The process of a worker that exists in a test alone, and does what the test says. It dies of every signal. */
export class FakeProcess implements WorkerProcess {
  public readonly secret = 'a secret';
  public readonly stdout = new PassThrough();
  public readonly stderr = new PassThrough();
  public readonly exited: Promise<ExitReason>;
  /** What it was sent, in order. */
  public readonly signals: NodeJS.Signals[] = [];
  /** Signals that it does not die of. */
  public readonly survives = new Set<NodeJS.Signals>();
  /** Names of the messages that it has heard, in order. */
  public readonly heard: string[] = [];
  public released = 0;
  #channel: Channel | undefined;
  #resolveExited: (exit: ExitReason) => void = () => undefined;

  public constructor(
    public readonly identity: ProcessIdentity,
    private readonly onConnected: OnConnected,
  ) {
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
  }

  /** Calls back to the master. */
  public connect({ wasReady = false, limits = TRANSPORT_LIMITS as TransportLimits } = {}): this {
    const [worker, master] = MemoryTransport.pair(limits);
    const handlers = new Handlers();
    for (const name of ['@stop', 'greet']) handlers.add(name, () => this.heard.push(name), false);
    handlers.add('never', () => new Promise(() => undefined), false);
    this.#channel = new Channel({
      transport: worker,
      handlers,
      peer: 'the master',
      onEventError: (_name, error) => {
        throw error;
      },
      onClosed: () => undefined,
    });
    this.#channel.open();
    this.onConnected(master, wasReady);
    return this;
  }

  /** Sends an event to the master. */
  public say(name: string, data?: unknown): void {
    if (this.#channel === undefined) throw new Error('it has no connection');
    this.#channel.send(name, data);
  }

  /** Closes the connection, when all that was said has left. */
  public async disconnect(): Promise<void> {
    await this.#channel?.close();
  }

  /** Ends. What it has said reaches the master, and its connection closes unless a grandchild `holds` it open. */
  public exit(exit: ExitReason, { holds = false } = {}): void {
    this.#resolveExited(exit);
    if (holds) return;
    this.stdout.end();
    this.stderr.end();
    void this.disconnect();
  }

  public signal(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    if (!this.survives.has(signal)) this.exit({ code: null, signal });
  }

  public release(): void {
    this.released++;
  }
}

/** A host whose processes are {@link FakeProcess}es. */
export class FakeHost implements WorkerHost {
  public readonly launches: WorkerLaunch[] = [];
  /** Why it makes and finds no process; undefined: it does. */
  public failure: Error | undefined;
  /** Resolves when the host may make the process. */
  public mayWork: Promise<void> = Promise.resolve();
  readonly #processes: FakeProcess[] = [];

  /** The process that was made or found last. */
  public get process(): FakeProcess {
    const last = this.#processes.at(-1);
    if (last === undefined) throw new Error('there is no process');
    return last;
  }

  public get processCount(): number {
    return this.#processes.length;
  }

  public spawn(launch: WorkerLaunch, onConnected: OnConnected): Promise<WorkerProcess> {
    this.launches.push(launch);
    return this.#place({ pid: 4711, startedAt: 'now', pidNamespace: 'here' }, onConnected);
  }

  public attach(record: WorkerRecord, onConnected: OnConnected): Promise<WorkerProcess> {
    return this.#place(record.identity, onConnected);
  }

  async #place(identity: ProcessIdentity, onConnected: OnConnected): Promise<WorkerProcess> {
    await this.mayWork;
    if (this.failure !== undefined) throw this.failure;
    const made = new FakeProcess(identity, onConnected);
    this.#processes.push(made);
    return made;
  }
}

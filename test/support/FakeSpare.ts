import { PassThrough } from 'node:stream';
import { type ExitReason, WorkerStartError } from '../../src/core/errors.js';
import { MemoryTransport } from '../../src/core/ipc/MemoryTransport.js';
import { TRANSPORT_LIMITS } from '../../src/core/ipc/Transport.js';
import type { Vitals } from '../../src/core/worker/controlMessages.js';
import type { StopResult } from '../../src/core/worker/stopWorker.js';
import type { WorkerState } from '../../src/core/worker/WorkerConnection.js';
import type {
  OnConnected,
  SpareHost,
  WorkerLaunch,
  WorkerLine,
  WorkerProcess,
} from '../../src/core/worker/WorkerHost.js';
import type { Spare } from '../../src/master/fleet/SpareClusters.js';

/** What a spare was told to become. */
interface Told {
  readonly name: string;
  readonly data: unknown;
}

/** A spare without a process. It loads, answers and dies when the test says so. */
export class FakeSpare implements Spare {
  public state: WorkerState = 'idle';
  public heardAt = 0;
  public vitals: Vitals | undefined;
  public readonly told: Told[] = [];
  public readonly ended: Promise<ExitReason>;
  public surrendered = 0;
  public releasedProcess = 0;
  /** Whether it dies when it is told to end. */
  public obeys = true;
  #resolveEnded: (exit: ExitReason) => void = () => undefined;
  #settle: { resolve(): void; reject(error: Error): void } | undefined;

  public constructor(public readonly pid: number) {
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  public get description(): string {
    return `spare cluster (pid ${this.pid})`;
  }

  public connect(): Promise<void> {
    this.state = 'starting';
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** It has loaded the program. */
  public load(rssBytes = 60): void {
    this.state = 'ready';
    this.vitals = { lagMs: 0, rssBytes, heapUsedBytes: 0, heapLimitBytes: 1 };
    this.#settle?.resolve();
  }

  /** Its process ends, whatever it was doing. */
  public die(exit: ExitReason = { code: null, signal: 'SIGKILL' }): void {
    if (this.state === 'starting') {
      this.#settle?.reject(new WorkerStartError('EXITED_BEFORE_READY', `${this.description} exited`, []));
    }
    this.state = 'ended';
    this.#resolveEnded(exit);
  }

  public send(name: string, data?: unknown): void {
    this.told.push({ name, data });
  }

  public surrender(): WorkerProcess | undefined {
    if (this.state !== 'ready') return undefined;
    this.surrendered++;
    this.state = 'ended';
    this.#resolveEnded({ code: null, signal: null });
    return {
      identity: { pid: this.pid, startedAt: null, pidNamespace: null },
      secret: 'the secret of the spare',
      exited: new Promise(() => undefined),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      signal: () => undefined,
      release: () => void this.releasedProcess++,
    };
  }

  public async kill(): Promise<StopResult> {
    if (this.obeys) this.die({ code: 0, signal: null });
    return { forced: 'no', exit: await this.ended };
  }

  public terminate(): Promise<ExitReason> {
    this.die();
    return this.ended;
  }
}

/** Makes processes anew, and expects spares that call back. */
export class FakeSpareHost implements SpareHost {
  /** The ids of the workers that got a new process. */
  public readonly spawned: number[] = [];
  public closedLines = 0;
  #onConnected: OnConnected | undefined;

  public spawn(launch: WorkerLaunch): Promise<WorkerProcess> {
    this.spawned.push(launch.id);
    return Promise.resolve(aProcess());
  }

  public attach(): Promise<WorkerProcess> {
    return Promise.resolve(aProcess());
  }

  public openLine(onConnected: OnConnected): Promise<WorkerLine> {
    this.#onConnected = onConnected;
    return Promise.resolve({ secret: 'a new secret', close: () => void this.closedLines++ });
  }

  /** The spare that was told last calls back. */
  public callBack(): void {
    this.#onConnected?.(MemoryTransport.pair(TRANSPORT_LIMITS)[0], false);
  }
}

function aProcess(): WorkerProcess {
  return {
    identity: { pid: 1, startedAt: null, pidNamespace: null },
    secret: 'a secret',
    exited: new Promise(() => undefined),
    stdout: null,
    stderr: null,
    signal: () => undefined,
    release: () => undefined,
  };
}

import type { ExitReason } from '../../../src/core/errors.js';
import type { Successor } from '../../../src/master/upgrade/Successor.js';

/** A new master that serves and ends when the test says so. */
export class FakeSuccessor implements Successor {
  public readonly signals: NodeJS.Signals[] = [];
  public readonly serving: Promise<void>;
  public readonly ended: Promise<ExitReason | Error>;
  #serve: () => void = () => undefined;
  #end: (end: ExitReason | Error) => void = () => undefined;

  public constructor() {
    this.serving = new Promise((resolve) => {
      this.#serve = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  public signal(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    if (signal === 'SIGKILL') this.#end({ code: null, signal });
  }

  public serve(): void {
    this.#serve();
  }

  public exit(code: number): void {
    this.#end({ code, signal: null });
  }

  public dieOf(signal: NodeJS.Signals): void {
    this.#end({ code: null, signal });
  }

  public failToSpawn(message: string): void {
    this.#end(new Error(message));
  }
}

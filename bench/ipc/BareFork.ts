import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Contender } from './Contender.js';

/**
 * The reference: Node's own `child_process`, `fork` and `send`, and nothing on top. No ids, no names, no promise per message,
 * no timeout, no errors: the child sends back what it gets, and the parent counts what comes.
 */
export class BareFork implements Contender {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  public static async start(count: number): Promise<BareFork> {
    const program = fileURLToPath(new URL('programs/forkEcho.js', import.meta.url));
    const children = Array.from({ length: count }, () => fork(program));
    await Promise.all(children.map((child) => once(child, 'message')));
    return new BareFork(children);
  }

  public pingPong(payload: Serializable, inFlight: number, count: number): Promise<number> {
    const [child] = this.#children;
    if (child === undefined) throw new Error('no child');
    return new Promise((resolve) => {
      const start = performance.now();
      let sent = 0;
      let received = 0;
      const onMessage = (): void => {
        received++;
        if (sent < count) {
          sent++;
          child.send(payload);
        } else if (received === count) {
          child.off('message', onMessage);
          resolve(performance.now() - start);
        }
      };
      child.on('message', onMessage);
      for (; sent < inFlight && sent < count; sent++) child.send(payload);
    });
  }

  public broadcast(payload: Serializable, count: number): Promise<number> {
    const children = this.#children;
    return new Promise((resolve) => {
      const start = performance.now();
      let rounds = 0;
      let missing = 0;
      const sendAll = (): void => {
        missing = children.length;
        for (const child of children) child.send(payload);
      };
      const onMessage = (): void => {
        if (--missing > 0) return;
        if (++rounds < count) {
          sendAll();
          return;
        }
        for (const child of children) child.off('message', onMessage);
        resolve(performance.now() - start);
      };
      for (const child of children) child.on('message', onMessage);
      sendAll();
    });
  }

  public async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        const exit = once(child, 'exit');
        child.disconnect();
        await exit;
      }),
    );
  }
}

import { WebSocket } from 'ws';

/**
 * Sockets that were told to close and whose peer has not answered yet. `ws` gives a silent peer 30 s; here it is cut off
 * after `timeoutMs`, so that a process can end.
 */
export class ClosingSockets {
  readonly #waiting = new Map<WebSocket, Promise<void>>();

  public constructor(private readonly timeoutMs: number) {}

  public add(socket: WebSocket): void {
    if (socket.readyState === WebSocket.CLOSED || this.#waiting.has(socket)) return;
    const closed = new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.terminate(), this.timeoutMs);
      socket.once('close', () => {
        clearTimeout(timer);
        this.#waiting.delete(socket);
        resolve();
      });
    });
    this.#waiting.set(socket, closed);
  }

  /** Resolves when all of them are closed. */
  public async closed(): Promise<void> {
    await Promise.all(this.#waiting.values());
  }
}

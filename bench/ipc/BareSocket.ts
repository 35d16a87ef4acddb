import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender } from './Contender.js';
import { readLines } from './readLines.js';

/**
 * What a unix domain socket costs by itself: one JSON line and one `write` a message, no ids, no promises, no joining. For
 * orientation only; targets are set against `BareFork`.
 */
export class BareSocket implements Contender {
  readonly #folder: string;
  readonly #server: Server;
  readonly #children: readonly ChildProcess[];
  readonly #sockets: readonly Socket[];
  #onMessage: () => void = () => undefined;

  private constructor(folder: string, server: Server, children: readonly ChildProcess[], sockets: readonly Socket[]) {
    this.#folder = folder;
    this.#server = server;
    this.#children = children;
    this.#sockets = sockets;
    for (const socket of sockets) readLines(socket, () => this.#onMessage());
  }

  public static async start(count: number): Promise<BareSocket> {
    const folder = await mkdtemp(join(tmpdir(), 'kallisti-bench-'));
    const path = join(folder, 'bare.sock');
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      if (sockets.length === count) server.emit('complete');
    });
    server.listen(path);
    const complete = once(server, 'complete');
    const program = fileURLToPath(new URL('programs/socketEcho.js', import.meta.url));
    const children = Array.from({ length: count }, () =>
      spawn(process.execPath, [program, path], { stdio: ['ignore', 'inherit', 'inherit'] }),
    );
    await complete;
    return new BareSocket(folder, server, children, sockets);
  }

  public pingPong(payload: unknown, inFlight: number, count: number): Promise<number> {
    const [socket] = this.#sockets;
    if (socket === undefined) throw new Error('no child');
    return new Promise((resolve) => {
      const start = performance.now();
      let sent = 0;
      let received = 0;
      this.#onMessage = () => {
        received++;
        if (sent < count) {
          sent++;
          socket.write(`${JSON.stringify(payload)}\n`);
        } else if (received === count) {
          resolve(performance.now() - start);
        }
      };
      for (; sent < inFlight && sent < count; sent++) socket.write(`${JSON.stringify(payload)}\n`);
    });
  }

  public broadcast(payload: unknown, count: number): Promise<number> {
    return new Promise((resolve) => {
      const start = performance.now();
      let rounds = 0;
      let missing = 0;
      const sendAll = (): void => {
        missing = this.#sockets.length;
        for (const socket of this.#sockets) socket.write(`${JSON.stringify(payload)}\n`);
      };
      this.#onMessage = () => {
        if (--missing > 0) return;
        if (++rounds < count) sendAll();
        else resolve(performance.now() - start);
      };
      sendAll();
    });
  }

  public async stop(): Promise<void> {
    const exits = this.#children.map((child) => once(child, 'exit'));
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await Promise.all(exits);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

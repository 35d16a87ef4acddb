import { createDeflate, type Deflate, deflateSync, constants as zlib } from 'node:zlib';
import type { WebSocket } from 'ws';

/** Smaller payloads are not worth compressing. Discord too compresses only some payloads. */
const PAYLOAD_COMPRESSION_BYTES = 1024;

/**
 * Writes payloads to a socket in order, compressed or not.
 *
 * With `zlib-stream` all payloads of a connection go through one zlib context, and Z_SYNC_FLUSH ends each of them
 * (discord.com/developers/docs/events/gateway#transport-compression). Node's zlib works in other threads, so payloads wait
 * in a queue to keep their order.
 */
export class FrameWriter {
  /** Set by the `compress` of IDENTIFY. Has no effect beside transport compression, as Discord documents. */
  payloadCompression = false;
  readonly #deflate: Deflate | undefined;
  readonly #queue: (string | (() => void))[] = [];
  #chunks: Buffer[] = [];
  #isBusy = false;

  constructor(
    private readonly socket: WebSocket,
    transportCompression: boolean,
  ) {
    if (!transportCompression) return;
    this.#deflate = createDeflate();
    this.#deflate.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  /** Bytes that were written and are still in this process. */
  get bufferedBytes(): number {
    let waiting = this.socket.bufferedAmount;
    for (const item of this.#queue) if (typeof item === 'string') waiting += item.length;
    return waiting;
  }

  write(json: string): void {
    if (this.#deflate !== undefined) {
      this.#queue.push(json);
      this.#pump(this.#deflate);
    } else if (this.payloadCompression && json.length > PAYLOAD_COMPRESSION_BYTES) {
      this.socket.send(deflateSync(json));
    } else {
      this.socket.send(json);
    }
  }

  /** Runs the action when the socket has everything that was written before. */
  afterwards(action: () => void): void {
    if (this.#deflate === undefined) {
      action();
      return;
    }
    this.#queue.push(action);
    this.#pump(this.#deflate);
  }

  /** Frees the zlib context. */
  destroy(): void {
    this.#queue.length = 0;
    this.#deflate?.destroy();
  }

  #pump(deflate: Deflate): void {
    if (this.#isBusy) return;
    const item = this.#queue.shift();
    if (item === undefined) return;
    if (typeof item === 'function') {
      item();
      this.#pump(deflate);
      return;
    }
    this.#isBusy = true;
    deflate.write(item);
    deflate.flush(zlib.Z_SYNC_FLUSH, () => this.#flushed(deflate));
  }

  #flushed(deflate: Deflate): void {
    // A destroyed stream gives nothing more.
    if (deflate.destroyed) return;
    const frame = Buffer.concat(this.#chunks);
    if (!frame.subarray(-4).equals(SYNC_FLUSH_SUFFIX)) {
      // The stream is flowing, but its last chunk may come a turn after the flush's callback.
      setImmediate(() => this.#flushed(deflate));
      return;
    }
    this.#chunks = [];
    this.#isBusy = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(frame);
    this.#pump(deflate);
  }
}

const SYNC_FLUSH_SUFFIX = Buffer.from([0x00, 0x00, 0xff, 0xff]);

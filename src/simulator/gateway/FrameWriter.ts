import { createDeflate, type Deflate, deflateSync, constants as zlib } from 'node:zlib';
import type { WebSocket } from 'ws';

/** Below this size payload compression is not worth it; Discord too compresses only some payloads. */
const PAYLOAD_COMPRESSION_BYTES = 1024;

/**
 * Writes payloads to a socket, compressed or not, and closes it after what was written before.
 *
 * With `zlib-stream` all payloads of a connection go through one zlib context, each ended by Z_SYNC_FLUSH
 * (discord.com/developers/docs/events/gateway#transport-compression). Node's zlib works in other threads, so payloads wait
 * in a queue: order is kept.
 */
export class FrameWriter {
  /** Set by IDENTIFY's `compress`; has no effect beside transport compression, as documented. */
  payloadCompression = false;
  readonly #deflate: Deflate | undefined;
  readonly #queue: (string | (() => void))[] = [];
  #chunks: Buffer[] = [];
  #busy = false;

  constructor(
    private readonly socket: WebSocket,
    transportCompression: boolean,
  ) {
    if (!transportCompression) return;
    this.#deflate = createDeflate();
    this.#deflate.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  /** Bytes that have been written and not yet left this process. */
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

  /** Calls back after everything written so far has been handed to the socket. */
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
    if (this.#busy) return;
    const item = this.#queue.shift();
    if (item === undefined) return;
    if (typeof item === 'function') {
      item();
      this.#pump(deflate);
      return;
    }
    this.#busy = true;
    deflate.write(item);
    deflate.flush(zlib.Z_SYNC_FLUSH, () => this.#flushed(deflate));
  }

  #flushed(deflate: Deflate): void {
    // What a destroyed stream has not given by now it never will.
    if (deflate.destroyed) return;
    const frame = Buffer.concat(this.#chunks);
    if (!frame.subarray(-4).equals(SYNC_FLUSH_SUFFIX)) {
      // The stream is flowing, but its last chunk may come a turn after the flush's callback.
      setImmediate(() => this.#flushed(deflate));
      return;
    }
    this.#chunks = [];
    this.#busy = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(frame);
    this.#pump(deflate);
  }
}

const SYNC_FLUSH_SUFFIX = Buffer.from([0x00, 0x00, 0xff, 0xff]);

import { createConnection, type Socket } from 'node:net';
import { ProtocolError } from '../errors.js';
import { FrameDecoder, HEADER_BYTES, LATIN1_FLAG } from './FrameDecoder.js';
import {
  TRANSPORT_LIMITS,
  type Transport,
  type TransportLimits,
  type TransportListener,
  URGENT_RESERVE_BYTES,
} from './Transport.js';

/** Frames are joined up to this size, which Node writes without allocating. A larger frame is written by itself. */
const JOIN_BYTES = 16 * 1024;
/** So many messages leave at once, though this turn may bring more: the other end can work on them in the meantime. */
const BATCH = 32;
/**
 * The socket has at most so much at a time; the rest waits here. A write to the socket counts against the queue until the reader
 * has all of it. So a hundred messages of 1 MB in one write would count although most of them have long been read.
 */
const WINDOW_BYTES = 4 * 1024 * 1024;

/** Bytes that are read at a time, as in Node's own streams. */
const READ_BYTES = 64 * 1024;
/** A character that is not Latin-1. V8 holds strings without any in one byte a character, and knows that it need not search them. */
const WIDE = /[\u0100-\uffff]/;

/**
 * A {@link Transport} over a stream socket: a unix domain socket, or a named pipe on Windows.
 *
 * Messages of one turn of the event loop leave in one write, up to a batch. With 100 small requests in flight this is 1.5 times
 * the rate of a write per message. Each message has a frame of its own. To join them into one JSON value would cost two thirds
 * of the rate with large messages.
 */
export class SocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #limits: TransportLimits;
  readonly #decoder: FrameDecoder;
  #listener: TransportListener | undefined;
  #queue: string[] = [];
  #queuedBytes = 0;
  /** What was read is being handled. What is sent meanwhile, mostly replies, leaves afterwards: that is cheaper than a tick. */
  #isReceiving = false;
  /** The socket has its fill. More is written when it has drained. */
  #isDraining = false;
  #closed = false;
  #error: Error | undefined;
  readonly #whenClosed: Promise<void>;

  public constructor(socket: Socket, limits: TransportLimits = TRANSPORT_LIMITS) {
    this.#socket = socket;
    this.#limits = limits;
    this.#decoder = new FrameDecoder(limits.maxMessageBytes, (text) => this.#listener?.message(text));
    this.#whenClosed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#closed = true;
        this.#queue = [];
        resolve();
        this.#listener?.closed(this.#error);
      });
    });
    socket.on('error', (error) => {
      // A peer that dies resets the connection. That is an end like any other: `close` follows.
      this.#error ??= error;
    });
    socket.pause();
  }

  /**
   * Connects to the socket at `path`.
   *
   * The socket reads into one and the same buffer (`onread` of `net.connect`). A server's sockets cannot: they get new memory for
   * every read, which costs a tenth of a round trip.
   *
   * @throws the socket's error where nobody listens.
   */
  public static connect(path: string, limits?: TransportLimits): Promise<SocketTransport> {
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: Buffer.alloc(READ_BYTES),
        callback: (bytes: number, buffer: Uint8Array): boolean => {
          transport.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
          return true;
        },
      };
      const socket = createConnection({ path, onread });
      const transport = new SocketTransport(socket, limits);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(transport);
      });
    });
  }

  /** Bytes of the largest message that is accepted. The server lowers it until the other end has shown its secret. */
  public set maxMessageBytes(bytes: number) {
    this.#decoder.maxBytes = bytes;
  }

  public get queuedBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  public listen(listener: TransportListener): void {
    const first = this.#listener === undefined;
    this.#listener = listener;
    if (!first) return;
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.resume();
  }

  public send(text: string, urgent = false): boolean {
    if (this.#closed || !this.#socket.writable) return false;
    // The UTF-16 length is at most the UTF-8 length and at least a third of it. It is cheap, and exact enough for a bound.
    const room = this.#limits.maxQueueBytes + (urgent ? URGENT_RESERVE_BYTES : 0);
    if (this.#queuedBytes + this.#socket.writableLength + text.length > room) return false;
    // nextTick runs after the current callback, when the messages of this turn are known.
    if (this.#queue.length === 0 && !this.#isDraining && !this.#isReceiving) process.nextTick(() => this.#write());
    this.#queue.push(text);
    this.#queuedBytes += text.length;
    if (this.#queue.length >= BATCH || this.#queuedBytes >= JOIN_BYTES) this.#write();
    return true;
  }

  public async flush(): Promise<void> {
    await this.#handOver();
    if (this.#closed || !this.#socket.writable) return;
    // An empty write calls back after all earlier ones. A socket that dies first emits 'close'.
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.once('close', done);
      this.#socket.write('', done);
    });
  }

  public async close(): Promise<void> {
    await this.#handOver();
    // `end` alone would wait for the other end's FIN. When ours is out, nobody reads here any more.
    if (!this.#closed) this.#socket.end(() => this.#socket.destroy());
    await this.#whenClosed;
  }

  public destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#isReceiving = true;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.destroy(error);
    } finally {
      this.#isReceiving = false;
      this.#write();
    }
  }

  /** Resolves when the socket has taken all that is queued, or has closed. */
  async #handOver(): Promise<void> {
    this.#write();
    while (this.#queue.length > 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#socket.off('drain', done);
          this.#socket.off('close', done);
          resolve();
        };
        this.#socket.once('drain', done);
        this.#socket.once('close', done);
      });
    }
  }

  #write(): void {
    if (this.#isDraining || this.#queue.length === 0) return;
    if (!this.#socket.writable) {
      this.#queue = [];
      this.#queuedBytes = 0;
      return;
    }
    const queue = this.#queue;
    let from = 0;
    while (from < queue.length && this.#socket.writableLength < WINDOW_BYTES) from = this.#writeRun(queue, from);
    for (let index = 0; index < from; index++) this.#queuedBytes -= queue[index]?.length ?? 0;
    this.#queue = from === queue.length ? [] : queue.slice(from);
    if (this.#queue.length === 0) return;
    this.#isDraining = true;
    this.#socket.once('drain', () => {
      this.#isDraining = false;
      this.#write();
    });
  }

  /**
   * Writes one large frame, or a run of small ones as one string of one character a byte. Node writes such a string from its stack
   * (stream_base.cc, WriteString). A Buffer for each write would be most of a busy channel's garbage.
   *
   * @returns the index of the next frame.
   */
  #writeRun(queue: readonly string[], from: number): number {
    const first = queue[from] ?? '';
    if (first.length > JOIN_BYTES) {
      const encoding = WIDE.test(first) ? 'utf8' : 'latin1';
      const length = Buffer.byteLength(first, encoding);
      const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
      const bodyAt = frame.writeUInt32BE(encoding === 'latin1' ? length + LATIN1_FLAG : length);
      frame.write(first, bodyAt, encoding);
      this.#socket.write(frame);
      return from + 1;
    }
    let run = '';
    let to = from;
    for (; to < queue.length; to++) {
      const text = queue[to] ?? '';
      if (to > from && run.length + HEADER_BYTES + text.length > JOIN_BYTES) break;
      run += header(text.length, LATIN1_FLAG) + text;
    }
    // One search for the whole run: it finds nearly nothing ever.
    if (WIDE.test(run)) run = queue.slice(from, to).map(binaryFrame).join('');
    this.#socket.write(run, 'latin1');
    return to;
  }
}

/** @returns a frame as a string of one character a byte. */
function binaryFrame(text: string): string {
  if (!WIDE.test(text)) return header(text.length, LATIN1_FLAG) + text;
  const bytes = Buffer.from(text).toString('latin1');
  return header(bytes.length, 0) + bytes;
}

function header(length: number, flag: number): string {
  const bits = length | flag;
  return String.fromCharCode(bits >>> 24, (bits >>> 16) & 0xff, (bits >>> 8) & 0xff, bits & 0xff);
}

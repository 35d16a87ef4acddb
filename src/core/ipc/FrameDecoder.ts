import { ProtocolError } from '../errors.js';

/**
 * Bytes of a frame's header: one unsigned 32-bit integer, big endian. Its lower 31 bits count the bytes of the text that
 * follows. The text is UTF-8, or Latin-1 where {@link LATIN1_FLAG} is set.
 */
export const HEADER_BYTES = 4;

/** Nearly all texts are Latin-1 throughout. V8 holds those in memory as they travel, so nobody needs to count or convert. */
export const LATIN1_FLAG = 0x8000_0000;

/**
 * Cuts a stream of bytes into frames. A frame that spans chunks is collected in one buffer of its final size. So a message of
 * many megabytes costs one copy, and not one per chunk.
 */
export class FrameDecoder {
  public maxBytes: number;
  readonly #onFrame: (text: string) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #encoding: 'latin1' | 'utf8' = 'utf8';
  #body: Buffer | undefined;
  #bodyFilled = 0;

  public constructor(maxBytes: number, onFrame: (text: string) => void) {
    this.maxBytes = maxBytes;
    this.#onFrame = onFrame;
  }

  /** @throws ProtocolError where a frame announces more than `maxBytes`. */
  public push(chunk: Buffer): void {
    let at = 0;
    // The chunk is read once for all its frames: a call into Node for each would cost more than the reading.
    let latin1: string | undefined;
    while (at < chunk.length) {
      if (this.#body !== undefined) {
        at += this.#fillBody(this.#body, chunk, at);
      } else if (this.#headerFilled === 0 && chunk.length - at >= HEADER_BYTES) {
        const length = this.#readHeader(chunk.readUInt32BE(at));
        at += HEADER_BYTES;
        if (chunk.length - at >= length) {
          if (this.#encoding === 'latin1') {
            latin1 ??= chunk.toString('latin1');
            this.#onFrame(latin1.slice(at, at + length));
          } else {
            this.#onFrame(chunk.toString('utf8', at, at + length));
          }
          at += length;
        } else {
          this.#body = Buffer.allocUnsafe(length);
        }
      } else {
        at += this.#fillHeader(chunk, at);
      }
    }
  }

  #fillHeader(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#header, this.#headerFilled, at);
    this.#headerFilled += copied;
    if (this.#headerFilled === HEADER_BYTES) {
      this.#headerFilled = 0;
      const length = this.#readHeader(this.#header.readUInt32BE(0));
      if (length === 0) this.#onFrame('');
      else this.#body = Buffer.allocUnsafe(length);
    }
    return copied;
  }

  #fillBody(body: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(body, this.#bodyFilled, at);
    this.#bodyFilled += copied;
    if (this.#bodyFilled === body.length) {
      this.#body = undefined;
      this.#bodyFilled = 0;
      this.#onFrame(body.toString(this.#encoding));
    }
    return copied;
  }

  /** @returns how many bytes follow. */
  #readHeader(header: number): number {
    this.#encoding = header >= LATIN1_FLAG ? 'latin1' : 'utf8';
    const length = header % LATIN1_FLAG;
    if (length > this.maxBytes) {
      throw new ProtocolError(`a message of ${length} bytes is larger than the ${this.maxBytes} bytes allowed`);
    }
    return length;
  }
}

import { constants, createInflate } from 'node:zlib';

/** Takes a connection's compressed messages apart (discord.com/developers/docs/events/gateway#transport-compression). */
export interface Decompressor {
  /** One message of the socket; a payload may need several. */
  push(data: Buffer): void;
  close(): void;
}

/** Ends the messages that end a payload. */
const SYNC_FLUSH = 0x00_00_ff_ff;

/** `zlib-stream`: one stream for the whole connection. Payloads come out in order, in a later turn of the event loop. */
export class ZlibStream implements Decompressor {
  readonly #inflate = createInflate({ chunkSize: 64 * 1024, flush: constants.Z_SYNC_FLUSH });
  readonly #chunks: Buffer[] = [];

  /** @param onError the stream is damaged: nothing more can be read from it. */
  public constructor(
    private readonly onPayload: (text: string) => void,
    onError: (error: Error) => void,
  ) {
    this.#inflate.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.#inflate.on('error', onError);
  }

  public push(data: Buffer): void {
    const endsPayload = data.length >= 4 && data.readUInt32BE(data.length - 4) === SYNC_FLUSH;
    this.#inflate.write(data, (error) => {
      if (endsPayload && (error === null || error === undefined)) this.#finish();
    });
  }

  public close(): void {
    this.#inflate.removeAllListeners('data');
    this.#inflate.destroy();
  }

  #finish(): void {
    // What it has put out and not yet handed on.
    while (this.#inflate.read() !== null);
    const [first, ...others] = this.#chunks.splice(0);
    if (first !== undefined)
      this.onPayload(others.length === 0 ? first.toString() : Buffer.concat([first, ...others]).toString());
  }
}

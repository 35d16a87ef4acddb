import { WebSocket } from 'ws';
import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { GatewayPacket } from '../../core/discord/packets.js';
import { PayloadTooLargeError } from '../../core/errors.js';
import { Heartbeat, type HeartbeatHost } from './Heartbeat.js';
import { SendQueue } from './SendQueue.js';
import { type Decompressor, ZlibStream } from './ZlibStream.js';

/** discord.com/developers/docs/events/gateway#sending-events: Discord closes with 4002 on more. */
const MAX_PAYLOAD_BYTES = 4_096;
/** Ours: any code but 1000 and 1001 leaves the session resumable. */
const KEEPS_SESSION = 4901;

/** Whoever uses a socket. After `close()` it hears of nothing more. */
export interface ShardSocketHost extends Omit<HeartbeatHost, 'sendHeartbeat'> {
  /** The number of the last dispatch; null where there is none. */
  readonly seq: number | null;
  socketOpened(): void;
  /** A heartbeat is about to tell Discord `seq`. */
  heartbeatDue(): void;
  /** @param text the payload as it came. */
  received(payload: unknown, text: string): void;
  /** A message is no JSON; the connection may be used on. */
  unreadable(error: unknown): void;
  /** @param error the socket broke, or could not be opened. */
  socketClosed(code: number, reason: string, error: Error | null): void;
}

export interface ShardSocketOptions {
  readonly address: string;
  readonly compress: boolean;
  readonly socketOptions?: object | undefined;
}

/** Discord and a shard that has not been READY or RESUMED yet have nothing else to say to each other. */
type HandshakeOp = typeof Opcode.IDENTIFY | typeof Opcode.RESUME;

/**
 * One connection of a shard: the socket, what is read from it, its heartbeats, and what is sent within Discord's limits. Knows
 * nothing of sessions, and nothing of what came before or comes after.
 */
export class ShardSocket {
  readonly #socket: WebSocket;
  readonly #host: ShardSocketHost;
  readonly #decompressor: Decompressor | null;
  readonly #heartbeat: Heartbeat;
  readonly #queue: SendQueue;
  #error: Error | null = null;
  #isEstablished = false;
  #isClosed = false;

  /** @throws Error where the socket cannot even be created: options of the bot for it may be wrong. */
  public constructor({ address, compress, socketOptions }: ShardSocketOptions, host: ShardSocketHost) {
    this.#host = host;
    // Discord compresses the transport by itself; and that its text is UTF-8 needs no second look.
    const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true, ...socketOptions });
    this.#socket = socket;
    this.#decompressor = compress
      ? new ZlibStream(
          (text) => this.#read(text),
          // Nothing of what follows can be read.
          (error) => this.#broke(error),
        )
      : null;
    this.#heartbeat = new Heartbeat({
      sendHeartbeat: () => {
        host.heartbeatDue();
        this.#queue.sendNow(JSON.stringify({ op: Opcode.HEARTBEAT, d: host.seq }));
      },
      heartbeatMissed: () => host.heartbeatMissed(),
    });
    this.#queue = new SendQueue((text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    });
    socket.on('open', () => host.socketOpened());
    socket.on('message', (data: Buffer) => {
      if (this.#decompressor === null) this.#read(data.toString());
      else this.#decompressor.push(data);
    });
    // `close` always follows, and takes it along: one report for each failure.
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', (code, reason) => host.socketClosed(code, reason.toString(), this.#error));
  }

  /** READY or RESUMED has come on it. */
  public get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** Whether a presence could not be sent yet. */
  public get holdsPresence(): boolean {
    return this.#queue.holdsPresence;
  }

  /** From the last heartbeat to its ACK; null before the first. */
  public get latencyMs(): number | null {
    return this.#heartbeat.latencyMs;
  }

  /** HELLO has come. */
  public greet(heartbeatIntervalMs: number): void {
    this.#heartbeat.start(heartbeatIntervalMs);
  }

  public sendHandshake(op: HandshakeOp, d: object): void {
    this.#queue.sendNow(serialize({ op, d }));
  }

  /** READY or RESUMED has come: from now on anything may be sent. */
  public establish(): void {
    this.#isEstablished = true;
    this.#heartbeat.allow();
  }

  /** @throws PayloadTooLargeError; nothing was sent. */
  public send(payload: GatewayPacket): void {
    const text = serialize(payload);
    if (this.#isEstablished) this.#queue.push(payload.op, text);
  }

  public sendHeartbeat(): void {
    this.#heartbeat.sendNow();
  }

  /** @returns how long it took. */
  public confirmHeartbeat(): number | null {
    return this.#heartbeat.confirm();
  }

  /**
   * Nothing is reported any more.
   *
   * @param keepsSession whether the session is to be resumed.
   * @returns the socket, whose peer has not answered the close yet.
   */
  public close(keepsSession: boolean): WebSocket {
    const socket = this.#socket;
    this.#isClosed = true;
    this.#heartbeat.stop();
    this.#queue.close();
    this.#decompressor?.close();
    socket.removeAllListeners();
    // A socket that is closed while it connects reports that as an error; one without a listener would end the process.
    socket.on('error', () => {});
    socket.close(keepsSession ? KEEPS_SESSION : 1000);
    return socket;
  }

  #broke(error: Error): void {
    if (!this.#isClosed) this.#host.socketClosed(1006, '', error);
  }

  #read(text: string): void {
    if (this.#isClosed) return;
    let payload: unknown;
    try {
      payload = JSON.parse(text);
    } catch (error) {
      this.#host.unreadable(error);
      return;
    }
    this.#host.received(payload, text);
  }
}

/** @throws PayloadTooLargeError */
export function serialize(payload: GatewayPacket): string {
  const text = JSON.stringify({ op: payload.op, d: payload.d });
  // No character takes more than three bytes of UTF-8.
  const bytes = text.length * 3 <= MAX_PAYLOAD_BYTES ? 0 : Buffer.byteLength(text);
  if (bytes > MAX_PAYLOAD_BYTES) throw new PayloadTooLargeError(payload.op, bytes, MAX_PAYLOAD_BYTES);
  return text;
}

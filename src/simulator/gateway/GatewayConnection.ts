import type { WebSocket } from 'ws';
import type { Account } from '../account/Account.js';
import type { ConnectionEntry, ViolationKind } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Withheld } from '../faults/FaultPlan.js';
import type { ResolvedOptions } from '../options.js';
import { isJson } from '../world/payloads.js';
import { FrameWriter } from './FrameWriter.js';
import type { Session } from './Session.js';

const MAX_PAYLOAD_BYTES = 4096;
const MAX_SENDS = 120;
const SENDS_WINDOW_MS = 60_000;
/** Opcodes a client may send: discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes */
const CLIENT_OPCODES = new Set([1, 2, 3, 4, 6, 8, 31, 43]);
const HEARTBEAT = 1;
export const IDENTIFY = 2;
export const RESUME = 6;

/** What a connection leaves to the gateway. */
export interface ConnectionHost {
  /** An IDENTIFY, a RESUME, or any other request of a connection that has a session. */
  request(connection: GatewayConnection, opcode: number, data: unknown): void;
  closed(connection: GatewayConnection, by: 'client' | 'server', code: number): void;
}

/**
 * One socket of a client, from HELLO to its close. The connection checks what Discord checks on every payload: size, rate,
 * form, opcode, order, heartbeats. The {@link ConnectionHost} decides whether an IDENTIFY or RESUME is granted.
 *
 * After {@link close} or the client's close the connection neither sends nor handles anything.
 */
export class GatewayConnection {
  session: Session | undefined;
  /** Set by the first IDENTIFY. A second one is an error even before the READY of the first. */
  identifying = false;
  /** Set by op 9. The client should come back on a new connection. */
  invalidated = false;
  /** A fault: the connection sends and answers nothing, though the socket stays open. */
  silent = false;
  /** A fault: the connection sends everything but this. */
  withheld: Withheld | undefined;
  readonly #writer: FrameWriter;
  readonly #sends: number[] = [];
  #helloSentAt: number | undefined;
  #lastHeartbeatAt = 0;
  #isClosed = false;

  constructor(
    readonly entry: ConnectionEntry,
    readonly query: URLSearchParams,
    private readonly socket: WebSocket,
    private readonly host: ConnectionHost,
    private readonly account: Account,
    private readonly options: ResolvedOptions,
  ) {
    this.#writer = new FrameWriter(socket, query.get('compress') === 'zlib-stream');
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on('close', (code, reason) => this.#closedByPeer(code, reason.toString()));
    // After a reset or a malformed frame `close` follows, and says what happened.
    socket.on('error', () => undefined);
  }

  get id(): string {
    return this.entry.id;
  }

  get version(): string {
    return this.query.get('v') ?? '';
  }

  get encoding(): string {
    return this.query.get('encoding') ?? 'json';
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  /** Whether one side has begun to close the connection. Its socket may be open for a moment more. */
  get isClosing(): boolean {
    return this.#isClosed || this.socket.readyState !== this.socket.OPEN;
  }

  hello(): void {
    this.#helloSentAt = now();
    this.#lastHeartbeatAt = this.#helloSentAt;
    this.send(10, { heartbeat_interval: this.options.heartbeatIntervalMs, _trace: [] });
  }

  /** Sends any opcode but an event. */
  send(opcode: number, data: unknown): void {
    this.sendRaw(JSON.stringify({ t: null, s: null, op: opcode, d: data }));
  }

  /** @returns whether the socket took the text. */
  sendRaw(text: string): boolean {
    if (this.silent || this.isClosing) return false;
    this.#writer.write(text);
    return true;
  }

  /** As {@link sendRaw}, for an event. */
  sendEvent(text: string): boolean {
    return this.withheld !== 'dispatches' && this.sendRaw(text);
  }

  invalidate(resumable: boolean): void {
    this.invalidated = true;
    this.send(9, resumable);
  }

  enablePayloadCompression(): void {
    this.#writer.payloadCompression = true;
  }

  /** Closes the connection from our side. The session learns of it at once, not when the client has answered. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#finish(code, reason, 'server');
    this.#writer.afterwards(() => this.socket.close(code, reason));
  }

  /** Cuts the TCP connection without a close frame. */
  terminate(): void {
    if (!this.#isClosed) this.#finish(1006, 'terminated', 'server');
    this.socket.terminate();
  }

  /** Closes the connection with 4000 if no heartbeat came for one and a half intervals and the grace, in ms. */
  checkHeartbeat(graceMs: number): void {
    if (this.#isClosed || this.silent || this.#helloSentAt === undefined) return;
    const silence = now() - this.#lastHeartbeatAt;
    if (silence <= this.options.heartbeatIntervalMs * 1.5 + graceMs) return;
    this.refuse(4000, 'heartbeatLate', `no heartbeat for ${Math.round(silence)} ms`);
  }

  /** Notes a breach of the rules, and closes the connection for it. */
  refuse(code: number, kind: ViolationKind, detail: string): void {
    this.complain(kind, detail);
    this.close(code, detail.slice(0, 120));
  }

  /** Notes a breach of the rules. */
  complain(kind: ViolationKind, detail: string): void {
    const shardId = this.entry.shardId;
    this.account.violation(kind, detail, { connectionId: this.id, ...(shardId === null ? {} : { shardId }) });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    this.entry.received++;
    if (!this.#withinRate()) {
      this.refuse(4008, 'sendRateLimit', `more than ${MAX_SENDS} payloads in ${SENDS_WINDOW_MS / 1000} s`);
      return;
    }
    if (data.length > MAX_PAYLOAD_BYTES) {
      this.refuse(4002, 'payloadTooLarge', `payload of ${data.length} bytes, at most ${MAX_PAYLOAD_BYTES} are allowed`);
      return;
    }
    const payload = isBinary ? undefined : parse(data);
    if (!isJson(payload) || !Number.isInteger(payload.op)) {
      this.refuse(4002, 'malformedPayload', 'payload is not a JSON object with an opcode');
      return;
    }
    this.#handle(Number(payload.op), payload.d);
  }

  #handle(opcode: number, data: unknown): void {
    if (!CLIENT_OPCODES.has(opcode)) {
      this.refuse(4001, 'unknownOpcode', `opcode ${opcode} is not for clients`);
      return;
    }
    if (this.#helloSentAt === undefined) {
      this.refuse(4003, 'notAuthenticated', `opcode ${opcode} before HELLO`);
      return;
    }
    if (opcode === HEARTBEAT) {
      this.#heartbeat(data);
      return;
    }
    if (opcode === IDENTIFY || opcode === RESUME) {
      this.host.request(this, opcode, data);
      return;
    }
    if (this.session === undefined) {
      this.refuse(4003, 'notAuthenticated', `opcode ${opcode} without a session`);
      return;
    }
    if (!this.silent) this.host.request(this, opcode, data);
  }

  #heartbeat(data: unknown): void {
    this.#lastHeartbeatAt = now();
    if (data !== null && data !== undefined && !Number.isInteger(data)) {
      this.refuse(4002, 'malformedPayload', 'a heartbeat carries a sequence number or null');
      return;
    }
    const session = this.session;
    if (session !== undefined && typeof data === 'number') {
      if (data > session.seq) {
        this.complain('heartbeatSequenceUnknown', `heartbeat with seq ${data}, sent were ${session.seq}`);
      } else if (this.options.trimReplayOnHeartbeat) {
        session.forgetUpTo(data);
      }
    }
    if (this.withheld !== 'acks') this.send(11, null);
  }

  #withinRate(): boolean {
    const at = now();
    this.#sends.push(at);
    while ((this.#sends[0] ?? at) <= at - SENDS_WINDOW_MS) this.#sends.shift();
    return this.#sends.length <= MAX_SENDS;
  }

  #closedByPeer(code: number, reason: string): void {
    this.#writer.destroy();
    if (!this.#isClosed) this.#finish(code, reason, 'client');
  }

  #finish(code: number, reason: string, by: 'client' | 'server'): void {
    this.#isClosed = true;
    Object.assign(this.entry, { closedAt: now(), closeCode: code, closeReason: reason, closedBy: by });
    this.host.closed(this, by, code);
  }
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    // The caller refuses what is not JSON.
    return undefined;
  }
}

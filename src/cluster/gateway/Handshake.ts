import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';
import type { GatewayOptions, GatewayTimings, Slot } from './GatewayOptions.js';
import { IdentifySlot } from './IdentifySlot.js';
import type { Presence } from './Presence.js';
import type { SessionKeeper } from './SessionKeeper.js';
import type { ShardSocket } from './ShardSocket.js';

export interface HandshakeHost {
  readonly adapter: Pick<ClientAdapter, 'connection'>;
  readonly options: Pick<GatewayOptions, 'token' | 'shardCount'>;
  readonly timings: Pick<GatewayTimings, 'identifySeenAfterMs' | 'handshakeTimeoutMs'>;
}

/**
 * What one shard and Discord say to each other on each connection until READY or RESUMED: HELLO, then RESUME where there is a
 * session, or else IDENTIFY, with a slot and never without. Notices where Discord does not answer.
 */
export class Handshake {
  readonly #slot: IdentifySlot;
  #isGreeted = false;
  #identifies = 0;
  #answerTimer: NodeJS.Timeout | undefined;

  public constructor(
    private readonly shardId: number,
    private readonly host: HandshakeHost,
    private readonly session: SessionKeeper,
    private readonly presence: Presence,
    /** Discord says nothing for too long. Must not throw. */
    private readonly onNoAnswer: () => void,
  ) {
    this.#slot = new IdentifySlot(host.timings.identifySeenAfterMs);
  }

  /** Whether HELLO has come on this connection. */
  public get isGreeted(): boolean {
    return this.#isGreeted;
  }

  /** IDENTIFYs sent since the process started. */
  public get identifies(): number {
    return this.#identifies;
  }

  /** Before a socket is opened. */
  public begin(slot: Slot | null): void {
    if (slot !== null) this.#slot.hold(slot);
    this.#isGreeted = false;
    this.#awaitAnswer();
  }

  /**
   * HELLO has come, the first on this connection.
   *
   * @returns what was sent; null where there is no slot for the IDENTIFY that it takes.
   */
  public greet(socket: ShardSocket, heartbeatIntervalMs: number): 'identifying' | 'resuming' | null {
    this.#isGreeted = true;
    socket.greet(heartbeatIntervalMs);
    const { id: sessionId, seq } = this.session;
    if (sessionId === null && !this.#slot.isFree) return null;
    this.#awaitAnswer();
    if (sessionId === null) {
      this.#identify(socket);
      return 'identifying';
    }
    socket.sendHandshake(Opcode.RESUME, { token: this.host.options.token, session_id: sessionId, seq });
    return 'resuming';
  }

  /** Discord is there, although it has not answered yet. */
  public heard(): void {
    this.#answerTimer?.refresh();
  }

  /** Discord has answered, or the connection is gone: either proves that an IDENTIFY was received, and its slot counts from now. */
  public end(): void {
    this.#slot.giveBack();
    clearTimeout(this.#answerTimer);
    // Not to be refreshed.
    this.#answerTimer = undefined;
  }

  #identify(socket: ShardSocket): void {
    const { options, adapter } = this.host;
    const { intents, largeThreshold } = adapter.connection;
    this.presence.identify(socket, {
      token: options.token,
      properties: { os: process.platform, browser: 'Kallisti', device: 'Kallisti' },
      ...(largeThreshold === undefined ? {} : { large_threshold: largeThreshold }),
      shard: [this.shardId, options.shardCount],
      intents,
    });
    this.#identifies++;
    this.#slot.use();
  }

  #awaitAnswer(): void {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(this.onNoAnswer, this.host.timings.handshakeTimeoutMs);
  }
}

import type { ShardCounts, ShardSession, ShardState } from '../../core/contracts/ClusterContract.js';
import { CloseCode, Opcode } from '../../core/discord/gatewayCodes.js';
import { type GatewayPacket, isWellFormed, type KnownDispatch, knownDispatch } from '../../core/discord/packets.js';
import type { DiscordRefusedError } from '../../core/errors.js';
import type { ConnectionChange } from '../clients/ClientAdapter.js';
import { ClientSide, type ClientSideHost } from './ClientSide.js';
import type { ClosingSockets } from './ClosingSockets.js';
import { ConnectionLog, type ConnectionLogHost } from './ConnectionLog.js';
import { judgeClose, overfullText, refusal } from './closeCodes.js';
import type { GatewayOptions, GatewayTimings, Slot } from './GatewayOptions.js';
import { Handshake } from './Handshake.js';
import { type MemberFetch, MemberFetches } from './MemberFetches.js';
import { type KeptPresence, Presence } from './Presence.js';
import { Redial, reconnectDelay } from './Redial.js';
import { SessionKeeper } from './SessionKeeper.js';
import { ShardSocket, type ShardSocketHost } from './ShardSocket.js';
import { type Missing, SilenceDetector } from './SilenceDetector.js';

/** Sent by nobody but the shard itself. */
const OWN_OPCODES: ReadonlySet<number> = new Set([Opcode.HEARTBEAT, Opcode.IDENTIFY, Opcode.RESUME]);

export interface ShardHost extends ClientSideHost, ConnectionLogHost {
  readonly options: GatewayOptions;
  readonly timings: GatewayTimings;
  readonly closing: ClosingSockets;
  stateChanged(shard: Shard): void;
  /** Discord refuses this shard for good. */
  refused(error: DiscordRefusedError): void;
  /** A reconnect has not helped. */
  deaf(shardId: number, reason: string): void;
}

/** Why a connection is given up. */
interface Loss {
  readonly reason: string;
  /** Where the client's listeners are to hear of it as an error. */
  readonly error?: Error;
  readonly pauseMs?: number;
  /** It was logged already. */
  readonly isLogged?: boolean;
}

/**
 * One shard over all its connections to Discord: what opens one, what each payload and each close means, and what becomes of the
 * session. Dispatches it passes on.
 *
 * A session is given up only where Discord says that it is gone. No more than one socket is open, and none after `release()`.
 */
export class Shard implements ShardSocketHost {
  public readonly shardId: number;
  readonly #host: ShardHost;
  readonly #session: SessionKeeper;
  readonly #redial: Redial;
  readonly #handshake: Handshake;
  readonly #log: ConnectionLog;
  readonly #client: ClientSide;
  readonly #silence: SilenceDetector;
  readonly #presence: Presence;
  readonly #fetches = new MemberFetches((payload) => this.#socket?.send(payload));
  #state: ShardState = 'idle';
  /** Whether the shard is to be connected. */
  #isActive = false;
  #socket: ShardSocket | null = null;
  #resumes = 0;
  /** How often in a row Discord has said that the shard is in too many guilds. */
  #overfull = 0;

  /** @throws TypeError where the gateway's URL is none. */
  public constructor(shardId: number, host: ShardHost) {
    const { adapter, options, timings } = host;
    this.shardId = shardId;
    this.#host = host;
    this.#session = new SessionKeeper(shardId, options.gatewayUrl, adapter.connection.compress);
    this.#redial = new Redial(shardId, host, (slot) => this.#dial(slot));
    this.#client = new ClientSide(shardId, host, () => this.#becomeReady('is ready'));
    this.#silence = new SilenceDetector(timings, (silentMs) =>
      this.#deaf('dispatch', `no event for ${(silentMs / 1000).toFixed(1)} s, which is unusual for it`),
    );
    this.#presence = new Presence(adapter.connection.presence, (presence) =>
      this.#report('onPresence', () => options.onPresence?.(shardId, presence)),
    );
    this.#handshake = new Handshake(shardId, host, this.#session, this.#presence, () =>
      this.#deaf('answer', this.#handshake.isGreeted ? 'no answer to the handshake' : 'no HELLO'),
    );
    this.#log = new ConnectionLog(shardId, host);
  }

  public get state(): ShardState {
    return this.#state;
  }

  public get latencyMs(): number | null {
    return this.#socket?.latencyMs ?? null;
  }

  public get counts(): ShardCounts {
    return { events: this.#client.count, identifies: this.#handshake.identifies, resumes: this.#resumes };
  }

  /** Before `open()`: goes on with a session, of another process for example. */
  public restore(session: ShardSession): void {
    this.#session.restore(session);
  }

  /** Before `open()`: goes on with a presence, of another process for example. */
  public restorePresence(kept: KeptPresence): void {
    const presence = this.#presence.restore(kept);
    if (presence !== undefined) this.#host.adapter.restorePresence(this.shardId, presence);
  }

  /** Before `open()`: fetches of all members that are still to be answered. */
  public restoreMemberFetches(fetches: Iterable<MemberFetch>): void {
    this.#fetches.restore(fetches);
  }

  /** Connects, and reconnects from now on: resumes the session, or identifies where there is none. */
  public open(): void {
    if (this.#isActive) return;
    this.#isActive = true;
    this.#redial.reset();
    this.#reopen();
  }

  /**
   * Closes the connection so that the session can be resumed, by whomever. No packet is handled after the call.
   *
   * @returns what RESUME needs; null without a session (before READY): then there is nothing to keep.
   */
  public release(): ShardSession | null {
    const wasReleased = this.#state === 'released';
    this.#state = 'released';
    this.#deactivate();
    this.#host.reachability.forget(this.shardId);
    if (!wasReleased) this.#host.stateChanged(this);
    return this.#session.current;
  }

  /**
   * Sends what the client library wants sent. Dropped without a connection, but for a presence, which is remembered.
   *
   * @throws PayloadTooLargeError, or TypeError for what only the shard itself may send; nothing is sent then.
   */
  public send(payload: GatewayPacket): void {
    if (OWN_OPCODES.has(payload.op)) throw new TypeError(`Opcode ${payload.op} is not for the client to send`);
    if (payload.op === Opcode.PRESENCE_UPDATE) this.#presence.set(payload, this.#socket);
    else this.#socket?.send(payload);
    const fetch = this.#fetches.sent(payload);
    if (fetch === null) return;
    this.#report('onMemberFetch', () => this.#host.options.onMemberFetch?.(this.shardId, fetch));
  }

  /** Gives a dispatch to the client's listeners once more, see `Gateway.repeat`. */
  public repeat(packet: GatewayPacket, run: (emit: () => void) => void): void {
    this.#client.repeat(packet, run);
  }

  // What the socket reports.

  public get seq(): number | null {
    return this.#session.seq === 0 ? null : this.#session.seq;
  }

  public socketOpened(): void {
    this.#tellClient('open');
  }

  public heartbeatDue(): void {
    this.#client.heartbeatDue();
  }

  public heartbeatMissed(): void {
    this.#deaf('ack', 'no heartbeat ACK');
  }

  public unreadable(error: unknown): void {
    this.#log.unreadable(error);
  }

  public received(payload: unknown, text: string): void {
    if (!isWellFormed(payload)) {
      this.#receiveMalformed(payload);
      return;
    }
    if (payload.op === Opcode.DISPATCH) {
      this.#dispatch(payload, text);
      return;
    }
    this.#obey(payload);
    this.#client.control(payload);
  }

  /** The peer closed the socket, or it broke, or could not be opened. */
  public socketClosed(code: number, text: string, cause: Error | null): void {
    const reason = cause?.message || (code === 1006 ? 'the connection broke' : `${code} ${text}`.trim());
    const error = cause ?? Object.assign(new Error(`The gateway closed the connection: ${reason}`), { code });
    // To a RESUME it says that what we know of the session is nonsense.
    const verdict = code === CloseCode.DECODE_ERROR && this.#state === 'resuming' ? 'identify' : judgeClose(code);
    if (verdict === 'identify') this.#dropSession();
    else if (verdict !== 'resume') this.#session.drop();
    if (verdict === 'overfull') {
      this.#becomeOverfull(error);
      return;
    }
    if (verdict !== 'refused') {
      this.#lose({ reason, error });
      return;
    }
    this.#deactivate(error);
    const { adapter, options } = this.#host;
    const { intents } = adapter.connection;
    this.#host.refused(refusal(code, { shardId: this.shardId, shardCount: options.shardCount, intents }));
  }

  /** Nothing is wrong with the bot's other shards. This one is tried again, rarely: each time costs an IDENTIFY. */
  #becomeOverfull(error: Error): void {
    const { options, timings } = this.#host;
    const pauseMs = reconnectDelay(++this.#overfull, timings.overfullBaseMs, timings.overfullMaxMs);
    this.#log.overfull(overfullText({ shardId: this.shardId, shardCount: options.shardCount }), pauseMs);
    this.#lose({ reason: 'in too many guilds', error, pauseMs, isLogged: true });
  }

  // The way to READY or RESUMED.

  #reopen(minPauseMs = 0): void {
    if (!this.#isActive) return;
    const needsSlot = this.#session.id === null;
    if (needsSlot) this.#enter('waiting');
    this.#redial.schedule(needsSlot, minPauseMs);
  }

  #dial(slot: Slot | null): void {
    this.#log.begin();
    this.#handshake.begin(slot);
    this.#enter(this.#session.id === null ? 'connecting' : 'resuming');
    this.#tellClient('connecting');
    // A listener may have released the shard.
    if (!this.#isActive) return;
    const { compress, socketOptions } = this.#host.adapter.connection;
    try {
      const address = this.#session.address(this.#redial.attempts);
      this.#socket = new ShardSocket({ address, compress, socketOptions }, this);
    } catch (error) {
      this.#host.log.callbackError(`Opening a socket for shard ${this.shardId}`, this.shardId, error);
      this.#handshake.end();
      this.#reopen();
    }
  }

  #obey(packet: GatewayPacket): void {
    switch (packet.op) {
      case Opcode.HELLO:
        this.#greet((packet.d as { heartbeat_interval: number }).heartbeat_interval);
        break;
      case Opcode.HEARTBEAT:
        this.#socket?.sendHeartbeat();
        break;
      case Opcode.HEARTBEAT_ACK:
        this.#confirmHeartbeat();
        break;
      case Opcode.INVALID_SESSION:
        this.#invalidSession(packet.d === true);
        break;
      case Opcode.RECONNECT:
        this.#lose({ reason: 'Discord asked for it' });
        break;
    }
  }

  #greet(heartbeatIntervalMs: number): void {
    const socket = this.#socket;
    // A second one would begin a second handshake.
    if (socket === null || this.#handshake.isGreeted) return;
    this.#host.reachability.reached(this.shardId);
    const state = this.#handshake.greet(socket, heartbeatIntervalMs);
    if (state === null) this.#lose({ reason: 'no slot to identify' });
    else this.#tellClient(state);
  }

  #dispatch(packet: GatewayPacket, text: string): void {
    const known = knownDispatch(packet);
    if (known?.t === 'READY' || known?.t === 'RESUMED') {
      this.#establish(packet, known);
      return;
    }
    if (packet.s) this.#session.seq = packet.s;
    this.#handshake.heard();
    this.#silence.dispatch();
    this.#fetches.dispatched(packet);
    this.#client.dispatch(packet, known, text);
  }

  #establish(packet: GatewayPacket, known: Extract<KnownDispatch, { t: 'READY' | 'RESUMED' }>): void {
    const socket = this.#socket;
    if (socket === null || socket.isEstablished) {
      this.#log.malformed(packet);
      return;
    }
    if (packet.s) this.#session.seq = packet.s;
    if (known.t === 'READY') {
      this.#session.begin(known.d);
      this.#overfull = 0;
    }
    this.#handshake.end();
    this.#redial.connected();
    this.#silence.connected();
    socket.establish();
    this.#presence.sendPending(socket);
    if (known.t === 'READY') this.#fetches.begun();
    else this.#fetches.resumed();
    this.#client.dispatch(packet, known, '');
    // A listener may have released the shard.
    if (this.#socket !== socket) return;
    if (known.t === 'READY') {
      this.#client.awaitGuilds(known.d);
    } else {
      this.#resumes++;
      socket.sendHeartbeat();
      this.#becomeReady('has resumed');
    }
  }

  /** READY and its guilds, or RESUMED. */
  #becomeReady(how: 'is ready' | 'has resumed'): void {
    this.#log.ready(how);
    const socket = this.#socket;
    this.#tellClient('ready');
    if (this.#socket === socket) this.#enter('ready');
  }

  #confirmHeartbeat(): void {
    this.#silence.ack();
    const latencyMs = this.#socket?.confirmHeartbeat() ?? null;
    if (latencyMs !== null) this.#client.measured(latencyMs);
  }

  // What ends a connection.

  #invalidSession(resumable: boolean): void {
    if (resumable && this.#session.id !== null) {
      this.#lose({ reason: 'Discord asked to resume again' });
      return;
    }
    const { invalidSessionMinMs: min, invalidSessionMaxMs: max } = this.#host.timings;
    this.#dropSession();
    this.#lose({ reason: 'invalid session', pauseMs: min + Math.random() * (max - min) });
  }

  /** Ignored, as if it had not come; without a usable HELLO or READY the connection is of no use. */
  #receiveMalformed(payload: unknown): void {
    const { op, t } = Object(payload) as { readonly op?: unknown; readonly t?: unknown };
    this.#log.malformed(payload);
    if (op === Opcode.HELLO && !this.#handshake.isGreeted) this.#lose({ reason: 'a malformed HELLO' });
    else if (op === Opcode.DISPATCH && t === 'READY' && this.#state !== 'ready') this.#invalidSession(false);
  }

  /** It resumes on another connection; what that does not cure is said to whoever can put another process in its place. */
  #deaf(missing: Missing, reason: string): void {
    const times = this.#silence.missed(missing);
    // Before HELLO it is one of many that cannot reach the gateway, which is said once for all.
    if (this.#handshake.isGreeted) this.#log.deaf(missing, reason, times);
    this.#lose({ reason });
    if (times > 1)
      this.#host.deaf(this.shardId, `shard ${this.shardId}: ${reason}, after ${times - 1} reconnects for that`);
  }

  /** Gives the connection up, and opens another. */
  #lose(loss: Loss): void {
    // Where there is none, the next is on its way already.
    if (this.#socket === null) return;
    if (loss.isLogged !== true) this.#logLoss(loss.reason);
    this.#disconnect(loss.error);
    this.#reopen(loss.pauseMs);
  }

  #logLoss(reason: string): void {
    if (!this.#handshake.isGreeted) this.#log.unreached(this.#session.address(this.#redial.attempts), reason);
    else this.#log.lost(reason, this.#session.id === null ? 'identifies again' : 'resumes');
  }

  /** Gives the connection up, and opens none. */
  #deactivate(error?: Error): void {
    this.#isActive = false;
    this.#redial.cancel();
    this.#disconnect(error);
  }

  #disconnect(error: Error | undefined): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#handshake.end();
    this.#silence.disconnected();
    this.#redial.disconnected();
    this.#fetches.disconnected();
    if (socket !== null) {
      this.#presence.disconnected(socket);
      this.#host.closing.add(socket.close(this.#session.id !== null));
      if (error !== undefined) this.#host.log.suppress(error);
      this.#tellClient('disconnected', { isFinal: !this.#isActive, ...(error === undefined ? {} : { error }) });
    }
    if (this.#state !== 'idle' && this.#state !== 'released') this.#enter('disconnected');
  }

  #dropSession(): void {
    const hadOne = this.#session.id !== null;
    this.#session.drop();
    if (hadOne) this.#report('onSessionLost', () => this.#host.options.onSessionLost?.(this.shardId));
  }

  /** What an option throws is logged, and keeps nothing from going on. */
  #report(option: string, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#host.log.callbackError(option, this.shardId, error);
    }
  }

  #tellClient(state: ConnectionChange['state'], details: Pick<ConnectionChange, 'error' | 'isFinal'> = {}): void {
    this.#client.changed({ state, sessionId: this.#session.id, ...details });
  }

  #enter(wanted: ShardState): void {
    // Whatever it tries, it stays failed until Discord has taken it: nobody is to wait for it.
    const state = this.#overfull > 0 && wanted !== 'ready' ? 'failed' : wanted;
    if (this.#state === state) return;
    this.#state = state;
    this.#host.stateChanged(this);
  }
}

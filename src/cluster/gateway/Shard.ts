import type { ShardCounts, ShardSession, ShardState } from '../../core/contracts/ClusterContract.js';
import { CloseCode, Opcode } from '../../core/discord/gatewayCodes.js';
import { type GatewayPacket, isWellFormed, type KnownDispatch, knownDispatch } from '../../core/discord/packets.js';
import type { DiscordRefusedError } from '../../core/errors.js';
import type { ClientAdapter, ConnectionChange } from '../clients/ClientAdapter.js';
import type { ClosingSockets } from './ClosingSockets.js';
import { judgeClose, refusal } from './closeCodes.js';
import { Dispatcher, type DispatcherHost } from './Dispatcher.js';
import type { GatewayOptions, GatewayTimings, Slot } from './GatewayOptions.js';
import { GuildArrival } from './GuildArrival.js';
import { IdentifySlot } from './IdentifySlot.js';
import { Presence } from './Presence.js';
import type { Reachability } from './Reachability.js';
import { Redial } from './Redial.js';
import { SessionKeeper } from './SessionKeeper.js';
import { ShardSocket, type ShardSocketHost } from './ShardSocket.js';
import { type Missing, SilenceDetector } from './SilenceDetector.js';

/** Sent by nobody but the shard itself. */
const OWN_OPCODES: ReadonlySet<number> = new Set([Opcode.HEARTBEAT, Opcode.IDENTIFY, Opcode.RESUME]);

export interface ShardHost extends DispatcherHost {
  readonly adapter: ClientAdapter;
  readonly options: GatewayOptions;
  readonly timings: GatewayTimings;
  readonly closing: ClosingSockets;
  readonly reachability: Reachability;
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
  readonly #slot: IdentifySlot;
  readonly #dispatcher: Dispatcher;
  readonly #arrival: GuildArrival;
  readonly #silence: SilenceDetector;
  readonly #presence: Presence;
  #state: ShardState = 'idle';
  /** Whether the shard is to be connected. */
  #isActive = false;
  #socket: ShardSocket | null = null;
  /** Fires where Discord does not answer: neither with HELLO nor to IDENTIFY or RESUME. */
  #answerTimer: NodeJS.Timeout | undefined;
  /** Whether HELLO has come on this socket. */
  #isGreeted = false;
  /** Whether the log says already that something malformed has come on this socket. */
  #isMalformedLogged = false;
  #identifies = 0;
  #resumes = 0;

  /** @throws TypeError where the gateway's URL is none. */
  public constructor(shardId: number, host: ShardHost) {
    const { adapter, options, timings } = host;
    this.shardId = shardId;
    this.#host = host;
    this.#session = new SessionKeeper(shardId, options.gatewayUrl, adapter.connection.compress);
    this.#redial = new Redial(shardId, host, (slot) => this.#dial(slot));
    this.#slot = new IdentifySlot(timings.identifySeenAfterMs);
    this.#dispatcher = new Dispatcher(shardId, host);
    this.#arrival = new GuildArrival(adapter.connection.guildTimeoutMs, () => this.#becomeReady('is ready'));
    this.#silence = new SilenceDetector(timings, (silentMs) =>
      this.#deaf('dispatch', `no event for ${(silentMs / 1000).toFixed(1)} s, which is unusual for it`),
    );
    this.#presence = new Presence(adapter.connection.presence);
  }

  public get state(): ShardState {
    return this.#state;
  }

  public get latencyMs(): number | null {
    return this.#socket?.latencyMs ?? null;
  }

  public get counts(): ShardCounts {
    return { events: this.#dispatcher.count, identifies: this.#identifies, resumes: this.#resumes };
  }

  /** Before `open()`: goes on with a session, of another process for example. */
  public restore(session: ShardSession): void {
    this.#session.restore(session);
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
  }

  // What the socket reports.

  public get seq(): number | null {
    return this.#session.seq === 0 ? null : this.#session.seq;
  }

  public socketOpened(): void {
    this.#tellClientState('open');
  }

  public heartbeatMissed(): void {
    this.#deaf('ack', 'no heartbeat ACK');
  }

  public unreadable(error: unknown): void {
    this.#logMalformed({ reason: this.#host.log.text(error instanceof Error ? error.message : String(error)) });
  }

  public received(payload: unknown): void {
    if (!isWellFormed(payload)) {
      this.#receiveMalformed(payload);
      return;
    }
    if (payload.op === Opcode.DISPATCH) {
      this.#dispatch(payload);
      return;
    }
    this.#obey(payload);
    this.#tellClient((client) => client.control(this.shardId, payload));
  }

  /** The peer closed the socket, or it broke, or could not be opened. */
  public socketClosed(code: number, text: string, cause: Error | null): void {
    const reason = cause?.message || (code === 1006 ? 'the connection broke' : `${code} ${text}`.trim());
    const error = cause ?? Object.assign(new Error(`The gateway closed the connection: ${reason}`), { code });
    // To a RESUME it says that what we know of the session is nonsense.
    const verdict = code === CloseCode.DECODE_ERROR && this.#state === 'resuming' ? 'identify' : judgeClose(code);
    if (verdict !== 'resume') this.#session.drop();
    if (verdict !== 'refused') {
      this.#lose({ reason, error });
      return;
    }
    this.#deactivate(error);
    const { adapter, options } = this.#host;
    const { intents } = adapter.connection;
    this.#host.refused(refusal(code, { shardId: this.shardId, shardCount: options.shardCount, intents }));
  }

  // The way to READY or RESUMED.

  #reopen(minPauseMs = 0): void {
    if (!this.#isActive) return;
    const needsSlot = this.#session.id === null;
    if (needsSlot) this.#enter('waiting');
    this.#redial.schedule(needsSlot, minPauseMs);
  }

  #dial(slot: Slot | null): void {
    if (slot !== null) this.#slot.hold(slot);
    this.#isGreeted = false;
    this.#isMalformedLogged = false;
    const { compress, socketOptions } = this.#host.adapter.connection;
    this.#enter(this.#session.id === null ? 'connecting' : 'resuming');
    this.#tellClientState('connecting');
    if (!this.#isActive) return;
    this.#awaitAnswer();
    try {
      const address = this.#session.address(this.#redial.attempts);
      this.#socket = new ShardSocket({ address, compress, socketOptions }, this);
    } catch (error) {
      this.#host.log.callbackError(`Opening a socket for shard ${this.shardId}`, this.shardId, error);
      this.#stopAwaitingAnswer();
      this.#slot.giveBack();
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
    if (socket === null || this.#isGreeted) return;
    this.#isGreeted = true;
    this.#host.reachability.reached(this.shardId);
    socket.greet(heartbeatIntervalMs);
    if (this.#session.id === null) this.#identify(socket);
    else this.#resume(socket, this.#session.id);
    if (this.#socket === socket) this.#awaitAnswer();
  }

  #resume(socket: ShardSocket, sessionId: string): void {
    const { token } = this.#host.options;
    socket.sendHandshake(Opcode.RESUME, { token, session_id: sessionId, seq: this.#session.seq });
    this.#tellClientState('resuming');
  }

  #identify(socket: ShardSocket): void {
    if (!this.#slot.isFree) {
      this.#lose({ reason: 'no slot to identify' });
      return;
    }
    const { options, adapter } = this.#host;
    const { intents, largeThreshold } = adapter.connection;
    this.#presence.sendWith(socket, Opcode.IDENTIFY, {
      token: options.token,
      properties: { os: process.platform, browser: 'Kallisti', device: 'Kallisti' },
      ...(largeThreshold === undefined ? {} : { large_threshold: largeThreshold }),
      shard: [this.shardId, options.shardCount],
      intents,
    });
    this.#identifies++;
    this.#slot.use();
    this.#tellClientState('identifying');
  }

  #dispatch(packet: GatewayPacket): void {
    const known = knownDispatch(packet);
    if (known?.t === 'READY' || known?.t === 'RESUMED') {
      this.#establish(packet, known);
      return;
    }
    if (packet.s) this.#session.seq = packet.s;
    // Between IDENTIFY or RESUME and their answer other events show that Discord is there.
    this.#answerTimer?.refresh();
    this.#silence.dispatch();
    this.#dispatcher.handle(packet, known);
    if (known?.t === 'GUILD_CREATE' || known?.t === 'GUILD_DELETE') this.#arrival.settle(known.d.id);
  }

  #establish(packet: GatewayPacket, known: Extract<KnownDispatch, { t: 'READY' | 'RESUMED' }>): void {
    const socket = this.#socket;
    if (socket === null || socket.isEstablished) {
      this.#logMalformed({ type: `another ${known.t}` });
      return;
    }
    if (packet.s) this.#session.seq = packet.s;
    if (known.t === 'READY') {
      // Proof that the IDENTIFY was received: its slot may count from now.
      this.#slot.giveBack();
      this.#session.begin(known.d);
    }
    this.#redial.connected();
    this.#stopAwaitingAnswer();
    this.#silence.connected();
    socket.establish();
    this.#presence.sendPending(socket);
    this.#dispatcher.handle(packet, known);
    // A listener may have released the shard.
    if (!this.#isActive) return;
    if (known.t === 'READY') {
      this.#arrival.begin(known.d.guilds.filter(({ unavailable }) => unavailable === true).map(({ id }) => id));
    } else {
      this.#resumes++;
      socket.sendHeartbeat();
      this.#becomeReady('has resumed');
    }
  }

  /** READY and its guilds, or RESUMED. */
  #becomeReady(how: string): void {
    this.#host.log.logger.info({ shardId: this.shardId }, `Shard ${this.shardId} ${how}`);
    this.#tellClientState('ready');
    if (this.#isActive) this.#enter('ready');
  }

  #confirmHeartbeat(): void {
    this.#silence.ack();
    const latencyMs = this.#socket?.confirmHeartbeat() ?? null;
    if (latencyMs !== null) this.#tellClient((client) => client.shardLatency(this.shardId, latencyMs));
  }

  // What ends a connection.

  #invalidSession(resumable: boolean): void {
    if (resumable && this.#session.id !== null) {
      this.#lose({ reason: 'Discord asked to resume again' });
      return;
    }
    const { invalidSessionMinMs: min, invalidSessionMaxMs: max } = this.#host.timings;
    this.#session.drop();
    this.#lose({ reason: 'invalid session', pauseMs: min + Math.random() * (max - min) });
  }

  /** Ignored, as if it had not come; without a usable HELLO or READY the connection is of no use. */
  #receiveMalformed(payload: unknown): void {
    const { op, t } = Object(payload) as { readonly op?: unknown; readonly t?: unknown };
    this.#logMalformed({ op: op === Opcode.HELLO || op === Opcode.DISPATCH ? op : typeof op, type: typeof t });
    if (op === Opcode.HELLO && !this.#isGreeted) this.#lose({ reason: 'a malformed HELLO' });
    else if (op === Opcode.DISPATCH && t === 'READY' && this.#state !== 'ready') this.#invalidSession(false);
  }

  /** Once for each connection. */
  #logMalformed(details: object): void {
    if (this.#isMalformedLogged) return;
    this.#isMalformedLogged = true;
    const message = `Shard ${this.shardId} got a malformed payload from Discord, and ignores such`;
    this.#host.log.logger.warn({ shardId: this.shardId, ...details }, message);
  }

  #awaitAnswer(): void {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(
      () => this.#deaf('answer', this.#isGreeted ? 'no answer to the handshake' : 'no HELLO'),
      this.#host.timings.handshakeTimeoutMs,
    );
  }

  #stopAwaitingAnswer(): void {
    clearTimeout(this.#answerTimer);
    // Not to be refreshed.
    this.#answerTimer = undefined;
  }

  /** It resumes on another connection; what that does not cure is said to whoever can put another process in its place. */
  #deaf(missing: Missing, reason: string): void {
    const times = this.#silence.missed(missing);
    // Before HELLO it is one of many that cannot reach the gateway, which is said once for all.
    if (this.#isGreeted) {
      const message = `Shard ${this.shardId} is deaf (${reason}): it reconnects`;
      this.#host.log.logger.warn({ shardId: this.shardId, missing, times }, message);
    }
    this.#lose({ reason });
    if (times > 1)
      this.#host.deaf(this.shardId, `shard ${this.shardId}: ${reason}, after ${times - 1} reconnects for that`);
  }

  /** Gives the connection up, and opens another. */
  #lose(loss: Loss): void {
    // Where there is none, the next is on its way already.
    if (this.#socket === null) return;
    this.#logLoss(loss);
    this.#disconnect(loss.error);
    this.#reopen(loss.pauseMs);
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
    this.#arrival.cancel();
    this.#stopAwaitingAnswer();
    this.#silence.disconnected();
    this.#slot.giveBack();
    this.#redial.disconnected();
    if (socket !== null) {
      this.#presence.disconnected(socket);
      this.#host.closing.add(socket.close(this.#session.id !== null));
      if (error !== undefined) this.#host.log.suppress(error);
      this.#tellClientState('disconnected', error);
    }
    if (this.#state !== 'idle' && this.#state !== 'released') this.#enter('disconnected');
  }

  #logLoss({ reason }: Loss): void {
    const { log, reachability } = this.#host;
    const text = log.text(reason);
    if (!this.#isGreeted) {
      reachability.failed(this.shardId, this.#session.address(this.#redial.attempts), text);
      return;
    }
    const next = this.#session.id === null ? 'identifies again' : 'resumes';
    log.logger.info({ shardId: this.shardId, reason: text }, `Shard ${this.shardId} lost its connection and ${next}`);
  }

  #tellClientState(state: ConnectionChange['state'], error?: Error): void {
    const change = { state, sessionId: this.#session.id, ...(error === undefined ? {} : { error }) };
    this.#tellClient((client) => client.shardState(this.shardId, change));
  }

  #tellClient(tell: (client: ClientAdapter) => void): void {
    try {
      tell(this.#host.adapter);
    } catch (error) {
      this.#host.log.callbackError('The adapter of the client library', this.shardId, error);
    }
  }

  #enter(state: ShardState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#host.stateChanged(this);
  }
}

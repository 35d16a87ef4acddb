import { Constants, type RawPacket } from 'eris';
import type { ShardCounts, ShardSession, ShardState } from '../../core/contracts/ClusterContract.js';
import type { DiscordRefusedError } from '../../core/errors.js';
import type { DisconnectOptions, ErisShard } from '../clients/eris/erisInternals.js';
import type { ClosingSockets } from './ClosingSockets.js';
import { DECODE_ERROR, judgeClose, overfullText, refusal } from './closeCodes.js';
import { FirstHeartbeat } from './FirstHeartbeat.js';
import type { BotIdentity, GatewayOptions, GatewayTimings, SlotLease } from './GatewayOptions.js';
import { Hearing, type Missing } from './Hearing.js';
import { IdentifyPermit } from './IdentifyPermit.js';
import { Inbox, type InboxHost } from './Inbox.js';
import { Outbox } from './Outbox.js';
import { isWellFormed, type KnownDispatch, knownDispatch } from './packets.js';
import type { Reachability } from './Reachability.js';
import { Redial } from './Redial.js';
import { reconnectDelay } from './reconnectDelay.js';
import { SessionKeeper } from './SessionKeeper.js';
import { Watchdog } from './Watchdog.js';

const { DISPATCH, HEARTBEAT_ACK, HELLO, INVALID_SESSION, RECONNECT } = Constants.GatewayOPCodes;

export interface ShardLinkHost extends InboxHost {
  readonly options: GatewayOptions;
  readonly timings: GatewayTimings;
  readonly closing: ClosingSockets;
  readonly reachability: Reachability;
  stateChanged(link: ShardLink): void;
  identified(identity: BotIdentity): void;
  /** Discord refuses this shard for good. */
  refused(error: DiscordRefusedError): void;
  /** A reconnect has not helped. */
  deaf(shardId: number, reason: string): void;
}

/** Why the connection is given up, known before eris is told to. */
interface Loss {
  readonly reason: string;
  readonly pauseMs?: number;
  /** It was logged already. */
  readonly isSaid?: boolean;
}

/**
 * The connection of one eris shard to Discord over all its sockets: what opens one, what each close means, and what becomes
 * of the session. eris keeps the protocol's state (session, seq, heartbeat) and handles what arrives; whatever it decides by
 * itself about connecting is replaced here, on the instance.
 *
 * A session is given up only where Discord says that it is gone. No more than one socket is open, and none after `release()`.
 */
export class ShardLink {
  readonly #shard: ErisShard;
  readonly #host: ShardLinkHost;
  readonly #stock: Pick<ErisShard, 'connect' | 'disconnect' | 'heartbeat' | 'identify' | 'onPacket' | 'resume'>;
  readonly #session: SessionKeeper;
  readonly #redial: Redial;
  readonly #permit: IdentifyPermit;
  readonly #heartbeat: FirstHeartbeat;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  /** eris waits for the answer to IDENTIFY or RESUME for ever, and sends no heartbeat meanwhile that would show a dead peer. */
  readonly #watchdog: Watchdog;
  readonly #hearing: Hearing;
  #state: ShardState = 'idle';
  /** Whether the shard is to be connected. */
  #active = false;
  #loss: Loss | null = null;
  #socketError: Error | null = null;
  /** Whether HELLO has come on this socket. */
  #greeted = false;
  /** Whether it was said that something malformed has come on this socket. */
  #saidMalformed = false;
  /** How often in a row Discord has said that the shard is in too many guilds. */
  #overfull = 0;
  #identifies = 0;
  #resumes = 0;

  public constructor(shard: ErisShard, host: ShardLinkHost) {
    const { client, options, timings } = host;
    this.#shard = shard;
    this.#host = host;
    this.#stock = {
      connect: shard.connect.bind(shard),
      disconnect: shard.disconnect.bind(shard),
      heartbeat: shard.heartbeat.bind(shard),
      identify: shard.identify.bind(shard),
      onPacket: shard.onPacket.bind(shard),
      resume: shard.resume.bind(shard),
    };
    this.#session = new SessionKeeper(shard, options.gatewayUrl, client.options.compress === true);
    this.#redial = new Redial(shard.id, host, (lease) => this.#dial(lease));
    this.#permit = new IdentifyPermit(timings.identifySeenAfterMs);
    this.#heartbeat = new FirstHeartbeat(shard);
    this.#outbox = new Outbox(shard);
    this.#inbox = new Inbox(shard, host, this.#stock.onPacket);
    this.#watchdog = new Watchdog(timings.handshakeTimeoutMs, () =>
      this.#deaf('answer', this.#greeted ? 'no answer to the handshake' : 'no HELLO'),
    );
    this.#hearing = new Hearing(timings, (silentMs) =>
      this.#deaf('dispatch', `no event for ${(silentMs / 1000).toFixed(1)} s, which is unusual for it`),
    );
    this.#decorate();
  }

  public get shardId(): number {
    return this.#shard.id;
  }

  public get state(): ShardState {
    return this.#state;
  }

  public get latencyMs(): number | null {
    return Number.isFinite(this.#shard.latency) ? this.#shard.latency : null;
  }

  public get counts(): ShardCounts {
    return { events: this.#inbox.count, identifies: this.#identifies, resumes: this.#resumes };
  }

  /** Before `open()`: goes on with a session, of another process for example. */
  public restore(session: ShardSession): void {
    this.#session.restore(session);
  }

  /** Connects, and reconnects from now on: resumes the session, or identifies where there is none. */
  public open(): void {
    if (this.#active) return;
    this.#active = true;
    this.#redial.reset();
    this.#reopen();
  }

  /**
   * Closes the connection so that the session can be resumed, by whomever. No packet is handled after the call.
   *
   * @returns what RESUME needs; null without a session (before READY): then there is nothing to keep.
   */
  public release(): ShardSession | null {
    const session = this.#session.current;
    const released = this.#state === 'released';
    this.#state = 'released';
    // With a session eris closes with 4901 here; 1000 and 1001 would end it.
    this.#shard.disconnect({ reconnect: true });
    this.#host.reachability.forget(this.shardId);
    if (!released) this.#host.stateChanged(this);
    return session;
  }

  /** eris, or the bot by way of eris, asks for a connection. */
  public reconnect(): void {
    if (this.#state === 'released' || this.#state === 'idle') {
      this.#host.log.logger.warn({ shardId: this.shardId }, `Shard ${this.shardId} is ${this.#state}: not connected`);
    } else {
      this.open();
    }
  }

  /** eris looks these up for every call, and the two for the socket's events whenever it opens one. */
  #decorate(): void {
    const shard = this.#shard;
    shard.connect = () => this.reconnect();
    shard.disconnect = (options, error) => this.#disconnect(options ?? {}, error);
    shard.heartbeat = (normal) => {
      if (normal === true && shard.status === 'ready' && !shard.lastHeartbeatAck) this.#deaf('ack', 'no heartbeat ACK');
      else this.#stock.heartbeat(normal);
    };
    shard.identify = () => this.#identify();
    shard.resume = () => {
      this.#stock.resume();
      this.#watchdog.start();
    };
    shard.onPacket = (packet) => this.#receive(packet);
    shard._onWSClose = (code, reason) => this.#closedByPeer(code, reason.toString());
    // `close` always follows, and takes it along: one report for each failure.
    shard._onWSError = (error) => {
      this.#socketError = error;
    };
    shard.on('ready', () => this.#becomeReady('is ready'));
    shard.on('resume', () => {
      this.#resumes++;
      this.#becomeReady('has resumed');
    });
  }

  #reopen(minPauseMs = 0): void {
    if (!this.#active) return;
    if (!this.#session.exists) this.#enter('waiting');
    this.#redial.schedule(!this.#session.exists, minPauseMs);
  }

  #dial(lease: SlotLease | null): void {
    if (lease !== null) this.#permit.hold(lease);
    this.#greeted = false;
    this.#saidMalformed = false;
    this.#socketError = null;
    // eris builds this address at READY only, for this process.
    if (this.#session.exists) this.#shard.resumeURL = this.#session.address(this.#redial.attempts);
    this.#enter(this.#session.exists ? 'resuming' : 'connecting');
    // Before eris's own, which tells a timeout from other failures in words only.
    this.#watchdog.start();
    try {
      this.#stock.connect();
    } catch (error) {
      // The socket could not even be created; options of the bot for it may be wrong.
      this.#host.log.callbackError(`Opening a socket for shard ${this.shardId}`, this.shardId, error);
      this.#watchdog.stop();
      this.#permit.settle();
      this.#reopen();
    }
  }

  /** Called by eris at HELLO where there is no session. */
  #identify(): void {
    if (!this.#permit.granted) {
      // A socket that was opened for a RESUME, whose session is gone by now: it comes back with a slot.
      this.#lose({ reason: 'no slot to identify' });
      return;
    }
    this.#stock.identify();
    this.#identifies++;
    this.#permit.spend();
    this.#watchdog.start();
  }

  #receive(packet: RawPacket): void {
    if (!this.#active) return;
    if (!isWellFormed(packet)) {
      this.#receiveMalformed(packet);
      return;
    }
    switch (packet.op) {
      case DISPATCH:
        this.#dispatch(packet);
        break;
      case INVALID_SESSION:
        this.#invalidSession(packet.d === true);
        break;
      case RECONNECT:
        this.#lose({ reason: 'Discord asked for it' });
        break;
      case HELLO:
        this.#greeted = true;
        this.#host.reachability.reached(this.shardId);
        this.#stock.onPacket(packet);
        this.#heartbeat.schedule((packet.d as { heartbeat_interval: number }).heartbeat_interval);
        break;
      case HEARTBEAT_ACK:
        this.#hearing.ack();
        this.#stock.onPacket(packet);
        break;
      default:
        this.#stock.onPacket(packet);
    }
  }

  /** Ignored, as if it had not come; without a usable HELLO or READY the connection is of no use. Said once for each socket. */
  #receiveMalformed(packet: unknown): void {
    const { op, t } = Object(packet) as { readonly op?: unknown; readonly t?: unknown };
    if (!this.#saidMalformed) {
      this.#saidMalformed = true;
      const what = { shardId: this.shardId, op: op === HELLO || op === DISPATCH ? op : typeof op, type: typeof t };
      this.#host.log.logger.warn(what, `Shard ${this.shardId} got a malformed payload from Discord, and ignores such`);
    }
    if (op === HELLO) this.#lose({ reason: 'a malformed HELLO' });
    else if (op === DISPATCH && t === 'READY' && this.#state !== 'ready') this.#invalidSession(false);
  }

  #dispatch(packet: RawPacket): void {
    const dispatch = knownDispatch(packet);
    this.#watchdog.touch();
    if (dispatch?.t === 'READY' || dispatch?.t === 'RESUMED') this.#establish(packet, dispatch);
    else {
      this.#hearing.dispatch();
      this.#inbox.handle(packet);
    }
  }

  /** READY and RESUMED. */
  #establish(packet: RawPacket, dispatch: Extract<KnownDispatch, { t: 'READY' | 'RESUMED' }>): void {
    const shard = this.#shard;
    if (dispatch.t === 'READY') {
      // Proof that the IDENTIFY was received: its slot may count from now.
      this.#permit.settle();
      this.#overfull = 0;
      dispatch.d.resume_gateway_url = this.#session.begin(dispatch.d.resume_gateway_url);
      this.#host.identified({ user: dispatch.d.user, application: dispatch.d.application });
    }
    // eris takes the bot to be online from here on, whatever status it was given.
    const { status } = shard.presence;
    this.#inbox.handle(packet);
    if (status !== undefined) shard.presence.status = status;
    if (!this.#active || shard.status !== 'ready') return;
    this.#redial.connected();
    this.#watchdog.stop();
    this.#hearing.connected();
    this.#heartbeat.catchUp();
    this.#outbox.open();
  }

  /** READY and its guilds, or RESUMED. */
  #becomeReady(how: string): void {
    if (!this.#active) return;
    this.#host.log.logger.info({ shardId: this.shardId }, `Shard ${this.shardId} ${how}`);
    this.#enter('ready');
  }

  /** Op 9. eris would identify at once, on the same socket and without a slot, even where the session can be resumed. */
  #invalidSession(resumable: boolean): void {
    if (resumable && this.#session.exists) {
      this.#lose({ reason: 'Discord asked to resume again' });
      return;
    }
    const { invalidSessionMinMs: min, invalidSessionMaxMs: max } = this.#host.timings;
    this.#session.drop();
    this.#lose({ reason: 'invalid session', pauseMs: min + Math.random() * (max - min) });
  }

  /** The peer closed the socket, or it broke, or could not be opened. */
  #closedByPeer(code: number, text: string): void {
    const cause = this.#socketError;
    const reason = cause?.message || (code === 1006 ? 'the connection broke' : `${code} ${text}`.trim());
    const error = cause ?? Object.assign(new Error(`The gateway closed the connection: ${reason}`), { code });
    // To a RESUME it says that what we know of the session is nonsense.
    const verdict = code === DECODE_ERROR && this.#state === 'resuming' ? 'identify' : judgeClose(code);
    if (verdict !== 'resume') this.#session.drop();
    if (verdict === 'overfull') {
      this.#becomeOverfull(error);
      return;
    }
    if (verdict !== 'refused') {
      this.#lose({ reason }, error);
      return;
    }
    this.#shard.disconnect({ reconnect: false }, error);
    const { client, options } = this.#host;
    const intents = typeof client.options.intents === 'number' ? client.options.intents : 0;
    this.#host.refused(refusal(code, { shardId: this.shardId, shardCount: options.shardCount, intents }));
  }

  /** Nothing is wrong with the bot's other shards. This one is tried again, rarely: each time costs an IDENTIFY. */
  #becomeOverfull(error: Error): void {
    const { log, options, timings } = this.#host;
    const pauseMs = reconnectDelay(++this.#overfull, timings.overfullBaseMs, timings.overfullMaxMs);
    const text = overfullText({ shardId: this.shardId, shardCount: options.shardCount });
    const minutes = Math.round(pauseMs / 60_000);
    log.logger.error({ shardId: this.shardId, pauseMs }, `${text}. It is tried again in ${minutes} minutes`);
    this.#lose({ reason: 'in too many guilds', pauseMs, isSaid: true }, error);
  }

  /** It resumes on another connection; what that does not cure is said to whoever can put another process in its place. */
  #deaf(missing: Missing, reason: string): void {
    const times = this.#hearing.missed(missing);
    // Before HELLO it is one of many that cannot reach the gateway, which is said once for all.
    if (this.#greeted) {
      const { logger } = this.#host.log;
      logger.warn(
        { shardId: this.shardId, missing, times },
        `Shard ${this.shardId} is deaf (${reason}): it reconnects`,
      );
    }
    this.#lose({ reason });
    if (times > 1)
      this.#host.deaf(this.shardId, `shard ${this.shardId}: ${reason}, after ${times - 1} reconnects for that`);
  }

  #lose(loss: Loss, error?: Error): void {
    this.#loss = loss;
    this.#shard.disconnect({ reconnect: 'auto' }, error);
  }

  /** Every end of a connection comes through here: from eris, from the bot, from above. */
  #disconnect({ reconnect = false }: DisconnectOptions, error: Error | undefined): void {
    const socket = this.#shard.ws;
    const again = reconnect === 'auto';
    const loss = this.#loss ?? { reason: error?.message ?? 'no reason given' };
    this.#loss = null;
    if (!again) {
      this.#active = false;
      this.#redial.cancel();
    } else if (socket === null) {
      // The next socket is on its way already.
      return;
    } else {
      this.#reportLoss(loss);
    }
    this.#inbox.cancel();
    this.#watchdog.stop();
    this.#hearing.disconnected();
    this.#outbox.reset();
    this.#permit.settle();
    this.#redial.disconnected();
    if (error !== undefined) this.#host.log.tell(error);
    // Never `auto`: eris would resume without a pause, or set a timer that cannot be stopped.
    this.#stock.disconnect({ reconnect: reconnect !== false }, error);
    if (socket !== null) this.#host.closing.add(socket);
    if (this.#state !== 'idle' && this.#state !== 'released') this.#enter('disconnected');
    if (again) this.#reopen(loss.pauseMs);
  }

  #reportLoss({ reason, isSaid = false }: Loss): void {
    if (isSaid) return;
    const { log, reachability } = this.#host;
    const text = log.text(reason);
    if (!this.#greeted) {
      reachability.failed(this.shardId, this.#session.address(this.#redial.attempts), text);
      return;
    }
    const next = this.#session.exists ? 'resumes' : 'identifies again';
    log.logger.info({ shardId: this.shardId, reason: text }, `Shard ${this.shardId} lost its connection and ${next}`);
  }

  #enter(wanted: ShardState): void {
    // Whatever it tries, it stays failed until Discord has taken it: nobody is to wait for it.
    const state = this.#overfull > 0 && wanted !== 'ready' ? 'failed' : wanted;
    if (this.#state === state) return;
    this.#state = state;
    this.#host.stateChanged(this);
  }
}

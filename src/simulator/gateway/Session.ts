import type { Delivery } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { GatewayConnection } from './GatewayConnection.js';
import { INTENTS, intentFor } from './intents.js';

export interface Dispatched {
  seq: number;
  name: string;
  json: string;
  /** Where to note who got it; only for events whose way the account follows. */
  ledger: Delivery[] | undefined;
}

export interface SessionIdentity {
  id: string;
  token: string;
  shardId: number;
  shardCount: number;
  intents: number;
  largeThreshold: number;
  version: string;
  encoding: string;
}

/**
 * What Discord keeps for one shard of a client: intents, the sequence, the events to replay, the guilds still to come.
 * Outlives its sockets: it numbers and keeps events also while none is attached.
 *
 * Guarantees that sequence numbers have no gap and that each event goes out once per connection, in order.
 * Does not decide when it ends; {@link Gateway} does.
 */
export class Session {
  readonly id: string;
  readonly token: string;
  readonly shardId: number;
  readonly shardCount: number;
  readonly intents: number;
  readonly largeThreshold: number;
  readonly version: string;
  readonly encoding: string;
  /** Guilds whose GUILD_CREATE has not been sent yet, in order. */
  readonly pendingGuilds = new Set<string>();
  /** The socket it has now. */
  connection: GatewayConnection | undefined;
  /** When it lost its last socket. */
  detachedAt: number | undefined;
  #seq = 0;
  /** A queue with a moving head: shifting an array of twenty thousand costs too much. */
  #replay: Dispatched[] = [];
  #replayHead = 0;

  constructor(
    identity: SessionIdentity,
    private readonly replayLimit: number,
  ) {
    this.id = identity.id;
    this.token = identity.token;
    this.shardId = identity.shardId;
    this.shardCount = identity.shardCount;
    this.intents = identity.intents;
    this.largeThreshold = identity.largeThreshold;
    this.version = identity.version;
    this.encoding = identity.encoding;
  }

  get seq(): number {
    return this.#seq;
  }

  /** The lowest sequence number that can be resumed from. */
  get oldestResumableSeq(): number {
    const first = this.#replay[this.#replayHead];
    return first === undefined ? this.#seq : first.seq - 1;
  }

  has(intent: keyof typeof INTENTS): boolean {
    return (this.intents & INTENTS[intent]) !== 0;
  }

  wants(event: string, isDirect: boolean): boolean {
    const needed = intentFor(event, isDirect);
    return needed === 0 || (this.intents & needed) !== 0;
  }

  /** Numbers the event, keeps it for replay, and sends it if there is a socket that can take it. Returns its number. */
  dispatch(name: string, dataJson: string, ledger?: Delivery[]): number {
    this.#seq++;
    const json = `{"t":"${name}","s":${this.#seq},"op":0,"d":${dataJson}}`;
    const event: Dispatched = { seq: this.#seq, name, json, ledger };
    if (this.replayLimit > 0) {
      this.#replay.push(event);
      if (this.#replay.length - this.#replayHead > this.replayLimit) this.#replayHead++;
      this.#compact();
    }
    const sent = this.connection?.sendEvent(json) ?? false;
    this.#note(event, sent, false);
    return this.#seq;
  }

  /** Sends an event once more, to the socket that resumed. */
  replay(event: Dispatched): void {
    const sent = this.connection?.sendEvent(event.json) ?? false;
    this.#note(event, sent, true);
  }

  #note(event: Dispatched, sent: boolean, replay: boolean): void {
    event.ledger?.push({
      at: now(),
      sessionId: this.id,
      connectionId: sent ? (this.connection?.id ?? null) : null,
      shardId: this.shardId,
      shardCount: this.shardCount,
      seq: event.seq,
      replay,
    });
  }

  /** Events after `seq`, oldest first; undefined when some of them are no longer there. */
  eventsAfter(seq: number): Dispatched[] | undefined {
    if (seq < this.oldestResumableSeq) return undefined;
    return this.#replay.slice(this.#replayHead + (seq - this.oldestResumableSeq));
  }

  /** Forgets the events up to `seq`, which the client has said to have. */
  forgetUpTo(seq: number): void {
    while ((this.#replay[this.#replayHead]?.seq ?? Number.POSITIVE_INFINITY) <= seq) this.#replayHead++;
    this.#compact();
  }

  #compact(): void {
    if (this.#replayHead > 1024 && this.#replayHead > this.#replay.length / 2) {
      this.#replay = this.#replay.slice(this.#replayHead);
      this.#replayHead = 0;
    }
  }

  attach(connection: GatewayConnection): void {
    this.connection = connection;
    this.detachedAt = undefined;
  }

  detach(connection: GatewayConnection): void {
    if (this.connection !== connection) return;
    this.connection = undefined;
    this.detachedAt = now();
  }
}

import type { Delivery } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Json } from '../world/payloads.js';
import { shardIdOf } from '../world/snowflakes.js';
import type { GatewayConnection } from './GatewayConnection.js';
import { INTENTS, intentFor } from './intents.js';

export interface Dispatched {
  seq: number;
  name: string;
  json: string;
  /** Where the session notes who got the event. Only the events that the account follows have one. */
  ledger: Delivery[] | undefined;
}

export interface SessionIdentity {
  id: string;
  shardId: number;
  shardCount: number;
  intents: number;
  largeThreshold: number;
  version: string;
  encoding: string;
}

/**
 * What Discord keeps for one shard of a client: intents, sequence numbers, events to replay, and the guilds that it has not
 * sent yet. A session outlives its sockets. It numbers and keeps events while it has none, too.
 *
 * Sequence numbers have no gap, and each event goes out once per connection, in order. The {@link Gateway} decides when a
 * session ends.
 */
export class Session {
  readonly id: string;
  readonly shardId: number;
  readonly shardCount: number;
  readonly intents: number;
  readonly largeThreshold: number;
  readonly version: string;
  readonly encoding: string;
  /** Guilds whose GUILD_CREATE is still to be sent, in order. */
  readonly pendingGuilds = new Set<string>();
  /** Undefined while the session has no socket. */
  connection: GatewayConnection | undefined;
  /** What the client has last said of itself. It belongs to the session, so a RESUME keeps it and an IDENTIFY does not. */
  presence: Json | undefined;
  /** When the session lost its last socket. Undefined while it has one. */
  detachedAt: number | undefined;
  #seq = 0;
  /** A queue with a moving head, because shifting an array of twenty thousand events costs too much. */
  #replay: Dispatched[] = [];
  #replayHead = 0;

  constructor(
    identity: SessionIdentity,
    private readonly replayLimit: number,
  ) {
    this.id = identity.id;
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

  /** Whether the guild is on the session's shard. */
  holds(guildId: string): boolean {
    return shardIdOf(guildId, this.shardCount) === this.shardId;
  }

  wants(event: string, isDirect: boolean): boolean {
    const needed = intentFor(event, isDirect);
    return needed === 0 || (this.intents & needed) !== 0;
  }

  /** Numbers the event, keeps it for replay, and sends it if a socket can take it. */
  dispatch(name: string, dataJson: string, ledger?: Delivery[]): void {
    this.#seq++;
    const json = `{"t":"${name}","s":${this.#seq},"op":0,"d":${dataJson}}`;
    const event: Dispatched = { seq: this.#seq, name, json, ledger };
    if (this.replayLimit > 0) {
      this.#replay.push(event);
      if (this.#replay.length - this.#replayHead > this.replayLimit) this.#replayHead++;
      this.#compact();
    }
    this.#send(event, false);
  }

  /** Sends an event once more, to the socket that resumed. */
  replay(event: Dispatched): void {
    this.#send(event, true);
  }

  #send(event: Dispatched, replay: boolean): void {
    const sent = this.connection?.sendEvent(event.json) ?? false;
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

  /** Events after `seq`, oldest first. Undefined if the session no longer has all of them. */
  eventsAfter(seq: number): Dispatched[] | undefined {
    if (seq < this.oldestResumableSeq) return undefined;
    return this.#replay.slice(this.#replayHead + (seq - this.oldestResumableSeq));
  }

  /** Forgets the events up to `seq`, which the client has acknowledged. */
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

import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { GatewayPacket } from '../../core/discord/packets.js';
import { PayloadTooLargeError } from '../../core/errors.js';
import { type ShardSocket, serialize } from './ShardSocket.js';

/** A presence as a later process gets it. */
export interface KeptPresence {
  readonly presence: PresenceData;
  /** What the bot's options asked for at that time. */
  readonly initial?: object;
}

/** What PRESENCE_UPDATE says (discord.com/developers/docs/events/gateway-events#update-presence). */
export interface PresenceData {
  readonly status?: string;
  readonly [field: string]: unknown;
}

/**
 * The presence that a shard is to have, whatever becomes of its connections: IDENTIFY holds it, and Discord keeps it over a
 * RESUME. What was set meanwhile is sent after RESUMED.
 */
export class Presence {
  #presence: unknown;
  #isPending = false;

  /** @param onSet is called when the bot has set a presence. Must not throw. */
  public constructor(
    private readonly initial: object | undefined,
    private readonly onSet: (presence: KeptPresence) => void = () => {},
  ) {
    this.#presence = initial;
  }

  /**
   * Goes on with a presence that an earlier process has set. It is sent once more, because nobody knows whether it was.
   *
   * @returns the presence; undefined where the bot's options ask for another than at that time: then the bot's code was changed.
   */
  public restore({ presence, initial }: KeptPresence): PresenceData | undefined {
    if (JSON.stringify(initial) !== JSON.stringify(this.initial)) return undefined;
    this.#presence = presence;
    this.#isPending = true;
    return presence;
  }

  /** @throws PayloadTooLargeError; the presence stays what it was. */
  public set(payload: GatewayPacket, socket: ShardSocket | null): void {
    if (socket?.isEstablished === true) socket.send(payload);
    else serialize(payload);
    this.#presence = payload.d;
    this.#isPending = socket?.isEstablished !== true;
    const { initial } = this;
    this.onSet({ presence: payload.d as PresenceData, ...(initial === undefined ? {} : { initial }) });
  }

  /** Sends IDENTIFY with it; where that would be too large, without it, and it is sent later. */
  public identify(socket: ShardSocket, d: object): void {
    this.#isPending = false;
    if (this.#presence === undefined) {
      socket.sendHandshake(Opcode.IDENTIFY, d);
      return;
    }
    try {
      socket.sendHandshake(Opcode.IDENTIFY, { ...d, presence: this.#presence });
    } catch (error) {
      if (!(error instanceof PayloadTooLargeError)) throw error;
      this.#isPending = true;
      socket.sendHandshake(Opcode.IDENTIFY, d);
    }
  }

  /** READY or RESUMED has come. */
  public sendPending(socket: ShardSocket): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    socket.send({ op: Opcode.PRESENCE_UPDATE, d: this.#presence });
  }

  public disconnected(socket: ShardSocket): void {
    if (socket.holdsPresence) this.#isPending = true;
  }
}

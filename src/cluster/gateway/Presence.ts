import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { GatewayPacket } from '../../core/discord/packets.js';
import { PayloadTooLargeError } from '../../core/errors.js';
import { type ShardSocket, serialize } from './ShardSocket.js';

/**
 * The presence that a shard is to have, whatever becomes of its connections: IDENTIFY holds it, and Discord keeps it over a
 * RESUME. What was set meanwhile is sent after RESUMED.
 */
export class Presence {
  #presence: unknown;
  #isPending = false;

  public constructor(initial: object | undefined) {
    this.#presence = initial;
  }

  /** @throws PayloadTooLargeError; the presence stays what it was. */
  public set(payload: GatewayPacket, socket: ShardSocket | null): void {
    if (socket?.isEstablished === true) socket.send(payload);
    else serialize(payload);
    this.#presence = payload.d;
    this.#isPending = socket?.isEstablished !== true;
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

import type { Gateway } from '../gateway/Gateway.js';
import type { GatewayConnection } from '../gateway/GatewayConnection.js';
import type { IdentifyGate } from '../gateway/IdentifyGate.js';
import type { FaultPlan, RestFault, Withheld } from './FaultPlan.js';

/**
 * What can go wrong with Discord, on demand. A fault of a shard strikes all sessions of that shard id, whatever their shard
 * count, and its method returns how many it struck. Any other fault lasts until {@link clear}, or until it has struck `times`.
 */
export class Faults {
  constructor(
    private readonly plan: FaultPlan,
    private readonly gateway: Gateway,
    private readonly gate: IdentifyGate,
  ) {}

  /** Closes the shard's sockets with a code (default: 4000), or cuts their TCP connections. Sessions stay. */
  dropSocket(shardId: number, how: { code?: number; reason?: string; terminate?: boolean } = {}): number {
    return this.#strike(shardId, (connection) => {
      if (how.terminate === true) connection.terminate();
      else connection.close(how.code ?? 4000, how.reason ?? 'dropped by a fault');
    });
  }

  /** Answers the shard's next RESUMEs (default: one) with op 9. The session ends, unless `resumable`. */
  refuseResume(shardId: number, how: { resumable?: boolean; times?: number } = {}): void {
    this.plan.refuseResume(shardId, how.resumable ?? false, how.times ?? 1);
  }

  /** Sends op 9 to the shard's sessions. They end, unless `resumable`. */
  invalidateSession(shardId: number, how: { resumable?: boolean } = {}): number {
    const sessions = this.gateway.sessionsOfShard(shardId);
    for (const session of sessions) {
      const { connection } = session;
      if (how.resumable !== true) this.gateway.endSession(session);
      connection?.invalidate(how.resumable ?? false);
    }
    return sessions.length;
  }

  /** Ends all sessions that have no socket now, as if their time were over. */
  expireSessions(): number {
    const detached = [...this.gateway.sessions.values()].filter((session) => session.connection === undefined);
    for (const session of detached) this.gateway.endSession(session);
    return detached.length;
  }

  /** Sends op 7 to the shard, to reconnect and resume. The socket stays open until the client closes it. */
  requestReconnect(shardId: number): number {
    return this.#strike(shardId, (connection) => connection.send(7, null));
  }

  /** Sends op 1 to the shard, to ask for a heartbeat now. */
  requestHeartbeat(shardId: number): number {
    return this.#strike(shardId, (connection) => connection.send(1, null));
  }

  /** The shard's sockets stay open, but the gateway sends nothing on them any more: no event, no heartbeat ACK. */
  goSilent(shardId: number): number {
    return this.#strike(shardId, (connection) => {
      connection.silent = true;
    });
  }

  /**
   * The shard's sockets stay open, and the gateway serves them, but sends no heartbeat ACKs or no events.
   * @param how.again how many of the shard's next connections it strikes too, each after its READY or RESUMED. Default: 0.
   */
  withhold(shardId: number, what: Withheld, how: { again?: number } = {}): number {
    this.plan.withhold(shardId, what, how.again ?? 0);
    return this.#strike(shardId, (connection) => {
      connection.withheld = what;
    });
  }

  /** From now on HELLO comes this many milliseconds late. 0 ends it. */
  delayHello(delayMs: number): void {
    this.plan.helloDelayMs = delayMs;
  }

  /** From now on READY comes this many milliseconds late. */
  delayReady(delayMs: number): void {
    this.plan.readyDelayMs = delayMs;
  }

  /** Closes the connection of the next IDENTIFYs (default: one) of one shard. Without `shardId` it strikes any shard. */
  closeOnIdentify(code: number, how: { shardId?: number; times?: number } = {}): void {
    this.plan.closeOnIdentify(code, how.shardId, how.times ?? 1);
  }

  /** Handles REST requests after a delay. `route` is a part of `METHOD /path`. */
  slowRest(fault: { delayMs: number; route?: string; times?: number }): void {
    this.plan.addRest(fault);
  }

  /** Answers REST requests with this status. */
  failRest(fault: Omit<RestFault, 'delayMs'> & { status: number }): void {
    this.plan.addRest(fault);
  }

  /** The gateway resets new connections for this many milliseconds (default: for ever). Open ones stay. 0 ends it. */
  refuseConnections(forMs: number = Number.MAX_SAFE_INTEGER): void {
    this.plan.refuseConnections(forMs);
  }

  /** Sends the shard something that is not JSON. */
  sendGarbage(shardId: number, text = '{"op":0,"t":"GARB'): number {
    return this.#strike(shardId, (connection) => connection.sendRaw(text));
  }

  /** From now on GET /gateway/bot recommends this number of shards, as Discord does for a bot that grows. */
  recommendShards(shardCount: number): void {
    this.plan.recommendedShards = shardCount;
  }

  /** Changes the session starts that are left. With 0 left the next IDENTIFY resets the token. */
  limitSessionStarts(limit: { remaining: number; resetAfterMs?: number }): void {
    this.gate.set(limit);
  }

  /** Ends all faults that last. What they did to sockets and sessions stays done. */
  clear(): void {
    this.plan.clear();
  }

  /** @returns how many connections the fault struck. */
  #strike(shardId: number, act: (connection: GatewayConnection) => void): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) act(connection);
    return struck.length;
  }
}

import type { Gateway } from '../gateway/Gateway.js';
import type { IdentifyGate } from '../gateway/IdentifyGate.js';
import type { FaultPlan, RestFault, Withheld } from './FaultPlan.js';

/**
 * Everything that can go wrong with Discord, on demand. What acts on a shard acts on all its sessions, of any shard count,
 * and returns how many it struck. What is "from now on" lasts until {@link clear} or its count is used up.
 */
export class Faults {
  constructor(
    private readonly plan: FaultPlan,
    private readonly gateway: Gateway,
    private readonly gate: IdentifyGate,
  ) {}

  /** Closes the shard's sockets with a code (default 4000), or cuts the TCP connection without one. Sessions stay. */
  dropSocket(shardId: number, how: { code?: number; reason?: string; terminate?: boolean } = {}): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) {
      if (how.terminate === true) connection.terminate();
      else connection.close(how.code ?? 4000, how.reason ?? 'dropped by a fault');
    }
    return struck.length;
  }

  /** Answers the shard's next RESUMEs with op 9. Unless `resumable`, the session is gone with it. */
  refuseResume(shardId: number, how: { resumable?: boolean; times?: number } = {}): void {
    this.plan.refuseResume(shardId, how.resumable ?? false, how.times ?? 1);
  }

  /** Sends op 9 to the shard's live sessions. Unless `resumable`, they are gone. */
  invalidateSession(shardId: number, how: { resumable?: boolean } = {}): number {
    const sessions = this.gateway.sessionsOfShard(shardId);
    for (const session of sessions) {
      const { connection } = session;
      if (how.resumable !== true) this.gateway.endSession(session);
      connection?.invalidate(how.resumable ?? false);
    }
    return sessions.length;
  }

  /** Forgets all sessions that have no socket now, as if their time were over. */
  expireSessions(): number {
    const detached = [...this.gateway.sessions.values()].filter((session) => session.connection === undefined);
    for (const session of detached) this.gateway.endSession(session);
    return detached.length;
  }

  /** Sends op 7 to the shard: reconnect and resume. The socket stays open until the client closes it. */
  requestReconnect(shardId: number): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) connection.send({ t: null, s: null, op: 7, d: null });
    return struck.length;
  }

  /** Sends op 1 to the shard: a heartbeat is wanted now. */
  requestHeartbeat(shardId: number): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) connection.send({ t: null, s: null, op: 1, d: null });
    return struck.length;
  }

  /** The shard's present sockets stay open, but nothing is sent on them any more: no event, no heartbeat ACK. */
  goSilent(shardId: number): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) connection.silent = true;
    return struck.length;
  }

  /**
   * The shard's present sockets stay open and are served, but for heartbeat ACKs or for events. `again`: the same for so many
   * of its next connections, each from its READY or RESUMED on. Default 0.
   */
  withhold(shardId: number, what: Withheld, how: { again?: number } = {}): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) connection.withheld = what;
    this.plan.withhold(shardId, what, how.again ?? 0);
    return struck.length;
  }

  /** From now on HELLO comes this late. 0 ends it. */
  delayHello(delayMs: number): void {
    this.plan.helloDelayMs = delayMs;
  }

  /** From now on READY comes this late. */
  delayReady(delayMs: number): void {
    this.plan.readyDelayMs = delayMs;
  }

  /** Closes the connection of the next IDENTIFYs, of one shard or of any. */
  closeOnIdentify(code: number, how: { shardId?: number; times?: number } = {}): void {
    this.plan.closeOnIdentify(code, how.shardId, how.times ?? 1);
  }

  /** Handles REST requests only after a delay. `route` is a part of `METHOD /path`. */
  slowRest(fault: { delayMs: number; route?: string; times?: number }): void {
    this.plan.addRest(fault);
  }

  /** Answers REST requests with this status; the body is HTML unless one is given. */
  failRest(fault: Omit<RestFault, 'delayMs'> & { status: number }): void {
    this.plan.addRest(fault);
  }

  /** The gateway resets new connections for so long; open ones stay. 0 ends it. */
  refuseConnections(forMs: number = Number.MAX_SAFE_INTEGER): void {
    this.plan.refuseConnections(forMs);
  }

  /** Sends the shard something that is not JSON. */
  sendGarbage(shardId: number, text = '{"op":0,"t":"GARB'): number {
    const struck = this.gateway.connectionsOfShard(shardId);
    for (const connection of struck) connection.sendRaw(text);
    return struck.length;
  }

  /** From now on GET /gateway/bot recommends another number of shards, as Discord does for a bot that grows. */
  recommendShards(shardCount: number): void {
    this.plan.recommendedShards = shardCount;
  }

  /** Changes what is left of the session start limit; with 0 left the next IDENTIFY resets the token. */
  limitSessionStarts(limit: { remaining: number; resetAfterMs?: number }): void {
    this.gate.set(limit);
  }

  /** Ends all faults that last. What has been done to sockets and sessions stays done. */
  clear(): void {
    this.plan.clear();
  }
}

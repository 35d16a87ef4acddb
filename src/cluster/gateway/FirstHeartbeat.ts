import type { ErisShard } from '../clients/eris/erisInternals.js';

/**
 * Spreads the first heartbeats of many shards: eris sends each after one full interval, Discord asks for `interval * jitter`
 * (discord.com/developers/docs/events/gateway#sending-heartbeats).
 * eris sends none before READY; one that falls due earlier is sent then.
 */
export class FirstHeartbeat {
  #due = false;

  public constructor(private readonly shard: ErisShard) {}

  /** After eris has handled HELLO: takes its timer's place. eris clears either kind of timer when the connection ends. */
  public schedule(intervalMs: number): void {
    const { shard } = this;
    this.#due = false;
    if (shard.heartbeatInterval === null) return;
    clearInterval(shard.heartbeatInterval);
    shard.heartbeatInterval = setTimeout(() => {
      this.#due = true;
      shard.heartbeatInterval = setInterval(() => shard.heartbeat(true), intervalMs);
      shard.heartbeat(true);
    }, intervalMs * Math.random());
  }

  /** After READY or RESUMED: from now on heartbeats may be sent. */
  public catchUp(): void {
    if (this.#due && this.shard.lastHeartbeatSent === null) this.shard.heartbeat(true);
  }
}

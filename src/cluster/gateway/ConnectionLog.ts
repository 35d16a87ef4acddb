import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { GatewayLog } from './GatewayLog.js';
import type { Reachability } from './Reachability.js';

export interface ConnectionLogHost {
  readonly log: GatewayLog;
  readonly reachability: Reachability;
}

/** What the log says of one shard's connections: each failure once, and nothing of many shards that all cannot connect. */
export class ConnectionLog {
  #isMalformedLogged = false;

  public constructor(
    private readonly shardId: number,
    private readonly host: ConnectionLogHost,
  ) {}

  /** A socket is opened. */
  public begin(): void {
    this.#isMalformedLogged = false;
  }

  public ready(how: 'is ready' | 'has resumed'): void {
    this.#write('info', {}, how);
  }

  /** The gateway could not be reached. */
  public unreached(address: string, reason: string): void {
    this.host.reachability.failed(this.shardId, address, this.host.log.text(reason));
  }

  public lost(reason: string, next: 'resumes' | 'identifies again'): void {
    this.#write('info', { reason: this.host.log.text(reason) }, `lost its connection and ${next}`);
  }

  public deaf(missing: string, reason: string, times: number): void {
    this.#write('warn', { missing, times }, `is deaf (${reason}): it reconnects`);
  }

  /** @param text says what to do. */
  public overfull(text: string, pauseMs: number): void {
    const { shardId } = this;
    const minutes = Math.round(pauseMs / 60_000);
    this.host.log.logger.error({ shardId, pauseMs }, `${text}. It is tried again in ${minutes} minutes`);
  }

  public malformed(payload: unknown): void {
    const { op, t } = Object(payload) as { readonly op?: unknown; readonly t?: unknown };
    // Of what is garbage, only what is surely harmless.
    this.#malformed({ op: op === Opcode.HELLO || op === Opcode.DISPATCH ? op : typeof op, type: typeof t });
  }

  public unreadable(error: unknown): void {
    this.#malformed({ reason: this.host.log.text(error instanceof Error ? error.message : String(error)) });
  }

  /** Once for each connection. */
  #malformed(details: object): void {
    if (this.#isMalformedLogged) return;
    this.#isMalformedLogged = true;
    this.#write('warn', details, 'got a malformed payload from Discord, and ignores such');
  }

  #write(level: 'info' | 'warn', details: object, what: string): void {
    const { shardId } = this;
    this.host.log.logger[level]({ shardId, ...details }, `Shard ${shardId} ${what}`);
  }
}

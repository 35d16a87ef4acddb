import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { ReadyData } from '../../core/discord/packets.js';
import { gatewayAddress, isGatewayUrl } from './gatewayAddress.js';

/** After so many attempts in vain to resume where Discord said, the main gateway is tried in turn. */
const ATTEMPTS_AT_RESUME_URL = 4;

/** The session of one shard, from READY, or from another process, until Discord says that it is gone. */
export class SessionKeeper {
  #session: { readonly id: string; readonly resumeUrl: string } | null = null;
  /** The number of the last dispatch that was handled, or is being handled; 0 without one. */
  public seq = 0;

  /** @throws TypeError where `gatewayUrl` is none. */
  public constructor(
    private readonly shardId: number,
    private readonly gatewayUrl: string,
    private readonly compress: boolean,
  ) {
    gatewayAddress(gatewayUrl, compress);
  }

  public get id(): string | null {
    return this.#session?.id ?? null;
  }

  public get current(): ShardSession | null {
    if (this.#session === null) return null;
    const { id: sessionId, resumeUrl } = this.#session;
    return { shardId: this.shardId, sessionId, seq: this.seq, resumeUrl };
  }

  public restore({ sessionId, seq, resumeUrl }: ShardSession): void {
    this.#session = { id: sessionId, resumeUrl: this.#resumeUrl(resumeUrl) };
    this.seq = seq;
  }

  public begin({ session_id: id, resume_gateway_url: resumeUrl }: ReadyData): void {
    this.#session = { id, resumeUrl: this.#resumeUrl(resumeUrl) };
  }

  /** Discord says that it is gone. */
  public drop(): void {
    this.#session = null;
    this.seq = 0;
  }

  /** Where the next socket goes. */
  public address(attempts: number): string {
    const inVain = attempts > ATTEMPTS_AT_RESUME_URL && attempts % 2 === 0;
    const url = this.#session === null || inVain ? this.gatewayUrl : this.#session.resumeUrl;
    return gatewayAddress(url, this.compress);
  }

  #resumeUrl(url: unknown): string {
    return typeof url === 'string' && isGatewayUrl(url) ? url : this.gatewayUrl;
  }
}

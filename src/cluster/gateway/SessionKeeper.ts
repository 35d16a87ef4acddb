import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { ErisShard } from '../clients/eris/erisInternals.js';
import { gatewayAddress, isGatewayUrl } from './gatewayAddress.js';

/** After so many attempts in vain to resume where Discord said, the main gateway is tried in turn. */
const ATTEMPTS_AT_RESUME_URL = 4;

/**
 * The session of one shard: what eris keeps of it on the shard, and Discord's resume URL as Discord sent it. (eris keeps only
 * a finished address, which another process or encoding could not use.)
 */
export class SessionKeeper {
  #resumeUrl: string | null = null;

  public constructor(
    private readonly shard: ErisShard,
    private readonly gatewayUrl: string,
    private readonly compress: boolean,
  ) {}

  public get exists(): boolean {
    return this.shard.sessionID !== null;
  }

  /** As of the last dispatch handled. */
  public get current(): ShardSession | null {
    const { id, sessionID, seq } = this.shard;
    if (sessionID === null || this.#resumeUrl === null) return null;
    return { shardId: id, sessionId: sessionID, seq, resumeUrl: this.#resumeUrl };
  }

  public restore(session: ShardSession): void {
    this.shard.sessionID = session.sessionId;
    this.shard.seq = session.seq;
    this.begin(session.resumeUrl);
  }

  /**
   * Before eris handles READY, from which it takes the rest.
   *
   * @param resumeUrl may be missing: not every proxy sends it, and eris would come back to the host "undefined".
   * @returns the URL that eris may be told.
   */
  public begin(resumeUrl: string | undefined): string {
    this.#resumeUrl = typeof resumeUrl === 'string' && isGatewayUrl(resumeUrl) ? resumeUrl : this.gatewayUrl;
    return this.#resumeUrl;
  }

  /** Discord says that it is gone. */
  public drop(): void {
    this.shard.sessionID = null;
    this.shard.resumeURL = null;
    this.shard.seq = 0;
    this.#resumeUrl = null;
  }

  /** Where the next socket goes. */
  public address(attempts: number): string {
    const inVain = attempts > ATTEMPTS_AT_RESUME_URL && attempts % 2 === 0;
    const url = this.#resumeUrl === null || inVain ? this.gatewayUrl : this.#resumeUrl;
    return gatewayAddress(url, this.compress);
  }
}

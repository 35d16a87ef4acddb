/**
 * Decides when a shard that got READY has its guilds: when all that READY announced have come or are known to be unavailable,
 * or when none has come for a while. It ends with the connection.
 */
export class GuildArrival {
  #awaited: Set<string> | null = null;
  #timer: NodeJS.Timeout | undefined;

  public constructor(
    /** So long after the last guild, the missing ones count as unavailable. */
    private readonly quietMs: number,
    private readonly onArrived: () => void,
  ) {}

  /** READY was handled. */
  public begin(guildIds: Iterable<string>): void {
    this.#awaited = new Set(guildIds);
    this.#wait();
  }

  /** A GUILD_CREATE or GUILD_DELETE was handled. */
  public settle(guildId: string): void {
    if (this.#awaited === null) return;
    this.#awaited.delete(guildId);
    this.#wait();
  }

  public cancel(): void {
    clearTimeout(this.#timer);
    this.#awaited = null;
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#awaited?.size === 0) this.#finish();
    else this.#timer = setTimeout(() => this.#finish(), this.quietMs);
  }

  #finish(): void {
    this.cancel();
    this.onArrived();
  }
}

/** What is known about a guild without reading it. */
export interface GuildEntry {
  /** The number of its last change. Changes are counted over all guilds of the store, so no number comes twice. */
  readonly version: number;
  /** Where false, Discord cannot say anything about the guild for now, and it has no rows. */
  readonly available: boolean;
  /** How many rows it has beside its base. */
  readonly rows: number;
  readonly baseLength: number;
}

type Stored = readonly [version: number, available: 0 | 1, rows: number, baseLength: number];

export function formatGuildEntry({ version, available, rows, baseLength }: GuildEntry): string {
  return JSON.stringify([version, available ? 1 : 0, rows, baseLength] satisfies Stored);
}

export function parseGuildEntry(text: string): GuildEntry {
  const [version, available, rows, baseLength] = JSON.parse(text) as Stored;
  return { version, available: available === 1, rows, baseLength };
}

/** The guilds of a shard, as the writing process knows them, and which of them a commit has to write. */
export class GuildIndex {
  readonly #entries = new Map<string, GuildEntry>();
  #changed = new Set<string>();
  #version = 0;

  /** The number of the last change of any guild. */
  public get version(): number {
    return this.#version;
  }

  /** Begins with what is stored. */
  public load(stored: Iterable<readonly [guildId: string, text: string]>, version: number): void {
    this.#entries.clear();
    this.#changed.clear();
    this.#version = version;
    for (const [guildId, text] of stored) this.#entries.set(guildId, parseGuildEntry(text));
  }

  public get(guildId: string): GuildEntry | undefined {
    return this.#entries.get(guildId);
  }

  /** The guild has changed. */
  public set(guildId: string, entry: Omit<GuildEntry, 'version'>): void {
    this.#entries.set(guildId, { ...entry, version: ++this.#version });
    this.#changed.add(guildId);
  }

  /** Its rows have changed, but not what they say. */
  public rearrange(guildId: string, entry: GuildEntry): void {
    this.#entries.set(guildId, entry);
    this.#changed.add(guildId);
  }

  public delete(guildId: string): void {
    if (this.#entries.delete(guildId)) this.#changed.add(guildId);
  }

  public clear(): void {
    this.#entries.clear();
    this.#changed.clear();
  }

  /** Hands over what has changed, for a commit that follows at once. */
  public take(): ReadonlyMap<string, string | null> {
    const taken = new Map<string, string | null>();
    for (const guildId of this.#changed) {
      const entry = this.#entries.get(guildId);
      taken.set(guildId, entry === undefined ? null : formatGuildEntry(entry));
    }
    this.#changed = new Set();
    return taken;
  }
}

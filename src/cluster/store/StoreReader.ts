import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemberFetch } from '../gateway/MemberFetches.js';
import type { Database } from './Database.js';
import { parseGuildEntry } from './GuildIndex.js';
import { mergeGuild } from './mergeGuild.js';
import { parseStored, type Stored } from './SessionProgress.js';
import type { GuildPayload } from './stateData.js';
import { rowKey } from './storedRow.js';

/** `guild` is null while it is unavailable. */
export interface StoredGuild {
  readonly guildId: string;
  readonly version: number;
  readonly guild: GuildPayload | null;
}

/** Versions of guilds, as a process has read them. */
export type GuildVersions = ReadonlyMap<string, number>;

export interface GuildDifferences {
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

/** How long guilds are read before other work may pass, in milliseconds. */
const SLICE_MS = 10;

/**
 * Reads what is committed in a database, whichever process writes it. Every call sees one state of the file. It keeps that no
 * longer than the turn of the event loop, so that a slow reader does not make the file grow.
 *
 * Every method throws the error of lmdb, or a SyntaxError, where the file is damaged.
 */
export class StoreReader {
  public constructor(private readonly database: Database) {}

  public session(): Stored | undefined {
    return parseStored(this.database.record('session'), this.database.record('progress'));
  }

  /** All guilds, each as it is when its turn comes. */
  public async *guilds(): AsyncGenerator<StoredGuild, void> {
    yield* this.readGuilds([...this.database.guilds()].map(([guildId]) => guildId));
  }

  /** As `guilds()`, only those of the list that are still there. */
  public async *readGuilds(guildIds: Iterable<string>): AsyncGenerator<StoredGuild, void> {
    let sliceBegan = performance.now();
    for (const guildId of guildIds) {
      const guild = this.guild(guildId);
      // What the caller does with it counts as well.
      if (guild !== undefined) yield guild;
      if (performance.now() - sliceBegan < SLICE_MS) continue;
      await nextTurn();
      sliceBegan = performance.now();
    }
  }

  public guild(guildId: string): StoredGuild | undefined {
    const text = this.database.guild(guildId);
    if (text === undefined) return undefined;
    const { version, available } = parseGuildEntry(text);
    const guild = available ? mergeGuild(this.database.rowsOf(guildId)) : null;
    if (guild === undefined) throw new SyntaxError(`guild ${guildId} has no base`);
    return { guildId, version, guild };
  }

  /** The version of each guild. */
  public versions(): Map<string, number> {
    this.database.refresh();
    return new Map([...this.database.guilds()].map(([guildId, text]) => [guildId, parseGuildEntry(text).version]));
  }

  /** Fetches of all members that have not been answered in full. */
  public memberFetches(): MemberFetch[] {
    const texts = [...this.database.guilds()].map(([guildId]) => this.database.row(rowKey(guildId, 'fetch')));
    return texts.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as MemberFetch]));
  }

  /** Which guilds were changed, added or removed since they were read with these versions. */
  public changedSince(known: GuildVersions): GuildDifferences {
    const gone = new Set(known.keys());
    const changed: string[] = [];
    for (const [guildId, version] of this.versions()) {
      gone.delete(guildId);
      if (version !== known.get(guildId)) changed.push(guildId);
    }
    return { changed, gone: [...gone] };
  }
}

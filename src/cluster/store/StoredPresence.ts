import type { Persistence } from './Persistence.js';

/**
 * The presence that the bot has set on one shard, in the shard's store. It belongs to no session: a shard that must identify has
 * it too.
 */
export class StoredPresence {
  readonly #files: Persistence;
  #text: string | undefined;
  /** The bot has set it in this process, while the shard was another one's. */
  #isUnsaved = false;

  public constructor(files: Persistence) {
    this.#files = files;
  }

  /** @param isWriting whether the shard is this process's. Otherwise the presence waits until it is. */
  public set(presence: object, isWriting: boolean): void {
    const text = JSON.stringify(presence);
    if (text === this.#text && !this.#isUnsaved) return;
    this.#text = text;
    this.#isUnsaved = true;
    if (isWriting) this.#save();
  }

  /**
   * The shard is this process's from now on.
   *
   * @returns the presence that another process has set; undefined where there is none, or this process has set the last one.
   */
  public takeOver(): object | undefined {
    if (this.#isUnsaved) {
      this.#save();
      return undefined;
    }
    const text = this.#files.read(({ database }) => database.record('presence'));
    if (text === undefined || text === this.#text) return undefined;
    this.#text = text;
    try {
      return JSON.parse(text) as object;
    } catch {
      return undefined; // It is damaged. The bot's options have a presence too.
    }
  }

  #save(): void {
    this.#isUnsaved = false;
    this.#files.commitOnly({ records: new Map([['presence', this.#text ?? null]] as const) });
  }
}

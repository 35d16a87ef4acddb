import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { ShardDeath } from '../dispatch/explainDeaths.js';
import { type FoundMark, type OnStack, StackMark } from '../dispatch/StackMark.js';

/** Short, and always of the same length. */
const TAG_LENGTH = 16;

export interface DeathRecordOptions {
  readonly shardId: number;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/**
 * Decides what the death of a process means for the dispatches of one shard: which of them is blamed for it, what the log says
 * about that, and how many dispatches were given up. It owns the shard's mark, which tells the next process what was on the
 * stack of this one.
 */
export class DeathRecord {
  readonly #options: DeathRecordOptions;
  readonly #markFile: string;
  readonly #mark: StackMark;
  #hasMarkFailed = false;
  /** The session that `#tag` stands for. */
  #taggedSession: string | undefined;
  #tag = '';
  #givenUp = 0;

  /** @param markFile where the mark is. */
  public constructor(options: DeathRecordOptions, markFile: string) {
    this.#options = options;
    this.#markFile = markFile;
    this.#mark = new StackMark(markFile, (error) => this.#markFailed(error));
  }

  public get mark(): Pick<StackMark, 'enter' | 'leave'> {
    return this.#mark;
  }

  /** How many dispatches this process has found that are not run again, because processes died of them. */
  public get givenUp(): number {
    return this.#givenUp;
  }

  /** @returns what the last process of the shard had on its stack; undefined without a mark that can be read. */
  public readMark(): FoundMark | undefined {
    try {
      return StackMark.read(this.#markFile);
    } catch (error) {
      this.#markFailed(error);
      return undefined;
    }
  }

  /** From now on the mark is this process's. It overwrites what the last one has left. */
  public openMark(): void {
    this.#mark.open();
  }

  /** The shard becomes another process's; the mark stays as it is. */
  public closeMark(): void {
    this.#mark.close();
  }

  /** This process stops in order: that is no death, so the next process finds no mark. */
  public removeMark(): void {
    this.#mark.remove();
  }

  /** @returns what stands for a session in marks and in the keys of dispatches. */
  public tagOf(sessionId: string): string {
    if (sessionId !== this.#taggedSession) {
      this.#taggedSession = sessionId;
      this.#tag = createHash('sha256').update(sessionId).digest('hex').slice(0, TAG_LENGTH);
    }
    return this.#tag;
  }

  /** Logs what the last process died of. @param death undefined where none did. */
  public report(death: ShardDeath | undefined): void {
    if (death?.blamed === undefined) return;
    const { pid, end, blamed } = death;
    const { shardId, logger } = this.#options;
    const { verdict, name, id, seq, runs } = blamed;
    const facts = { shardId, dispatch: name, id, seq, runs, pid, end: end?.detail };
    const what = nameOf(blamed);
    if (verdict === 'suspect') {
      logger.warn(facts, `Process ${pid} was killed while ${what} was on its stack: it is run once more`);
      return;
    }
    this.#givenUp++;
    const where = end?.stack === undefined ? '' : `\n${end.stack}`;
    logger.error(
      facts,
      `${what} stopped process ${pid} (${end?.detail ?? 'nobody knows how'}): it is not run again${where}`,
    );
  }

  /** Logs that work is not run again, because too many processes have died while it ran. */
  public gaveUp({ name, id, seq, runs }: Pick<OnStack, 'name' | 'id' | 'seq' | 'runs'>): void {
    this.#givenUp++;
    const { shardId, logger } = this.#options;
    const what = nameOf({ name, id });
    logger.warn(
      { shardId, dispatch: name, id, seq, runs },
      `${what} is not run again: ${runs} processes died while it ran`,
    );
  }

  #markFailed(error: unknown): void {
    if (this.#hasMarkFailed) return;
    this.#hasMarkFailed = true;
    const { shardId, logger } = this.#options;
    logger.warn({ shardId, err: error }, `What is on the stack of shard ${shardId} cannot be noted; the bot runs on`);
  }
}

function nameOf({ name, id }: Pick<OnStack, 'name' | 'id'>): string {
  return id === '' ? name : `${name} ${id}`;
}

import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { GatewayPacket } from '../../core/discord/packets.js';
import type { ShardDeath } from '../dispatch/explainDeaths.js';
import { StackFrame } from '../dispatch/StackFrame.js';
import { type FoundMark, StackMark } from '../dispatch/StackMark.js';
import type { SessionProgress } from './SessionProgress.js';

export interface DeathRecordOptions {
  readonly shardId: number;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  /** See `ShardStoreOptions.steadyNow`. */
  readonly steadyNow: () => number;
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

  /** @returns the frame of a dispatch whose listeners are called next; undefined outside of a session. */
  public frameOf({ t, d }: GatewayPacket, seq: number, { session, window }: SessionProgress): StackFrame | undefined {
    if (session === undefined) return undefined;
    if (session.sessionId !== this.#taggedSession) {
      this.#taggedSession = session.sessionId;
      this.#tag = tagOf(session.sessionId);
    }
    const id = (d as { readonly id?: unknown } | null | undefined)?.id;
    const facts = { session: this.#tag, seq, runs: window.nextRun(seq), name: String(t), id: String(id ?? '') };
    return new StackFrame(this.#mark, this.#options.steadyNow, facts);
  }

  /** @returns what `death` says of this session: another one has its own sequence numbers. */
  public inSession(sessionId: string, death: ShardDeath | undefined): ShardDeath | undefined {
    if (death === undefined) return undefined;
    const { newest, blamed } = death;
    const tag = tagOf(sessionId);
    return {
      ...death,
      newest: newest?.session === tag ? newest : undefined,
      blamed: blamed?.session === tag ? blamed : undefined,
    };
  }

  /**
   * Logs what is not run again.
   *
   * @param death as `inSession` returned it; undefined where no process died.
   * @param count how many commands too many processes died with.
   */
  public report(death: ShardDeath | undefined, count: number): void {
    if (death?.blamed !== undefined) this.#reportBlamed(death, death.blamed);
    if (count === 0) return;
    this.#givenUp += count;
    const { shardId, logger } = this.#options;
    logger.warn({ shardId, count }, 'Commands are not run again: too many processes died while they ran');
  }

  #reportBlamed({ pid, end }: ShardDeath, { verdict, name, id, seq, runs }: NonNullable<ShardDeath['blamed']>): void {
    const { shardId, logger } = this.#options;
    const facts = { shardId, dispatch: name, id, seq, runs, pid, end: end?.detail };
    const what = `${name}${id === '' ? '' : ` ${id}`}`;
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

  #markFailed(error: unknown): void {
    if (this.#hasMarkFailed) return;
    this.#hasMarkFailed = true;
    const { shardId, logger } = this.#options;
    logger.warn({ shardId, err: error }, `What is on the stack of shard ${shardId} cannot be noted; the bot runs on`);
  }
}

/** Short, and always of the same length. */
function tagOf(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('hex').slice(0, 16);
}

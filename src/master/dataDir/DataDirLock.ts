import { createHash, randomUUID } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  identityOf,
  isRunning,
  type ProcessIdentity,
  processIdentitySchema,
} from '../../core/files/processIdentity.js';

const schema = processIdentitySchema.extend({
  /** Tells this claim from every other one there ever was. */
  nonce: z.string().regex(/^[\w-]+$/),
});

/** The content of a lock file. `owner` is missing where the file is damaged. Nobody holds the lock then. */
interface Claim {
  readonly nonce: string;
  readonly owner?: ProcessIdentity;
  readonly ageMs: number;
}

/** Another process holds the lock. */
export interface LockHolder {
  readonly pid: number;
  /** Its pid is of another container, and means nothing here. */
  readonly inOtherContainer: boolean;
}

const LOCK_NAME = 'master.lock';
/** How long to wait for a process that is taking over a dead one's lock, in milliseconds. It needs one. */
const TAKEOVER_PATIENCE_MS = 2000;
/** How long from its start a master in another container may take to answer for the folder, in milliseconds. */
const START_GRACE_MS = 10_000;

/**
 * A lock that a dead process cannot keep: one file, which names its owner.
 *
 * - Nobody holds it: `link` makes the file together with its content. That succeeds for exactly one process.
 * - A dead process left it: the right to replace it is a second file, named after the dead lock's nonce and made the same way.
 *   So exactly one process gets the right. It looks at the lock again, which may have been replaced before, and then replaces it
 *   by `rename`. Nobody else can have: the owner is dead, and the right is given once. Should the process die half-way, its right
 *   is inherited by the same rule.
 *
 * So of any number of processes that start, exactly one gets the lock, whenever they come.
 */
export class DataDirLock {
  readonly #folder: string;
  readonly #isServed: () => Promise<boolean>;
  #nonce = '';
  #held = false;

  /**
   * @param isServed says whether somebody answers for this folder. It is called where the owner is in another container, so that
   * its pid says nothing.
   */
  public constructor(folder: string, isServed: () => Promise<boolean>) {
    this.#folder = folder;
    this.#isServed = isServed;
  }

  /** @returns who holds the lock. Undefined where it is ours now. */
  public async acquire(): Promise<LockHolder | undefined> {
    this.#nonce = randomUUID();
    const own = this.#path(this.#nonce);
    const claim: z.infer<typeof schema> = { ...identityOf(process.pid), nonce: this.#nonce };
    writeFileSync(own, `${JSON.stringify(claim)}\n`, { mode: 0o600 });
    try {
      const holder = await this.#compete(own);
      this.#held = holder === undefined;
      if (this.#held) this.#sweep();
      return holder;
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Frees the lock. Does nothing where it is not ours. */
  public release(): void {
    if (!this.#held) return;
    this.#held = false;
    // No other master replaces the file while its owner lives. A person may.
    if (readClaim(this.#path())?.nonce === this.#nonce) rmSync(this.#path(), { force: true });
  }

  async #compete(own: string): Promise<LockHolder | undefined> {
    const until = Date.now() + TAKEOVER_PATIENCE_MS;
    while (!link(own, this.#path())) {
      const lock = readClaim(this.#path());
      if (lock === undefined) continue; // Freed a moment ago.
      const holder = await this.#holderOf(lock);
      if (holder !== undefined) return holder;
      const outcome = await this.#takeOver(lock, own);
      if (outcome === 'taken') return undefined;
      if (outcome !== 'changed' && Date.now() > until) return outcome;
      await delay(5);
    }
    return undefined;
  }

  /** @returns `changed` where the lock is another one by now. The living process, where one is taking it over already. */
  async #takeOver(dead: Claim, own: string): Promise<'taken' | 'changed' | LockHolder> {
    const rights: string[] = [];
    for (let { nonce } = dead; ; ) {
      const right = this.#path(`takeover.${nonce}`);
      rights.push(right);
      if (link(own, right)) break;
      const before = readClaim(right);
      if (before === undefined) return 'changed';
      const rival = await this.#holderOf(before);
      if (rival !== undefined) return rival;
      nonce = before.nonce;
    }
    const taken = readClaim(this.#path())?.nonce === dead.nonce;
    if (taken) renameSync(own, this.#path());
    // Only now: while the dead lock was there, each right had to stay given. Whoever gets one again finds another lock.
    for (const right of taken ? rights : rights.slice(-1)) rmSync(right, { force: true });
    return taken ? 'taken' : 'changed';
  }

  async #holderOf({ owner, ageMs }: Claim): Promise<LockHolder | undefined> {
    if (owner === undefined) return undefined;
    const running = isRunning(owner);
    if (running !== null) return running ? { pid: owner.pid, inOtherContainer: false } : undefined;
    const served = ageMs < START_GRACE_MS || (await this.#isServed());
    return served ? { pid: owner.pid, inOtherContainer: true } : undefined;
  }

  /** Removes the files of processes that were killed while they started. */
  #sweep(): void {
    for (const name of readdirSync(this.#folder)) {
      if (!name.startsWith(`${LOCK_NAME}.`)) continue;
      const claim = readClaim(join(this.#folder, name));
      if (claim === undefined) continue;
      // A file without an owner may be that of a process that has made it and not yet written it.
      const abandoned = claim.owner === undefined ? claim.ageMs > START_GRACE_MS : isRunning(claim.owner) === false;
      if (abandoned) rmSync(join(this.#folder, name), { force: true });
    }
  }

  #path(suffix?: string): string {
    return join(this.#folder, suffix === undefined ? LOCK_NAME : `${LOCK_NAME}.${suffix}`);
  }
}

/** @returns false where `path` exists already. */
function link(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @returns undefined where there is no such file. */
function readClaim(path: string): Claim | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    const { ino, mtimeMs } = statSync(path);
    const ageMs = Math.max(0, Date.now() - mtimeMs);
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) {
      const { nonce, ...owner } = parsed.data;
      return { nonce, owner, ageMs };
    }
    // We never write half of it. A crash of the operating system can leave it empty.
    return { nonce: createHash('sha256').update(`${ino} ${mtimeMs} ${text}`).digest('hex'), ageMs };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Damaged: the schema says so.
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

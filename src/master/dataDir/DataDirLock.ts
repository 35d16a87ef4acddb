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

/** What stands in a lock file; `owner` is missing where the file is damaged, and then nobody holds it. */
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
/** How long to wait for a process that is just taking a dead one's lock over; it needs a millisecond. */
const TAKEOVER_PATIENCE_MS = 2000;
/** A master in another container is given this long from its start to answer for the folder. */
const START_GRACE_MS = 10_000;

/**
 * A lock that a dead process cannot keep: one file, which names its owner.
 *
 * Free: the file is made together with its content (`link`), which succeeds for exactly one.
 * Left by a dead process: the right to replace it is a second file, named after the dead lock's nonce and made the same
 * way, so it too falls to exactly one. That one looks at the lock again (it may have been replaced before) and then
 * replaces it (`rename`); nobody else can have, since the owner is dead and the right is given once. Should it die half-way,
 * its right is inherited by the same rule. So of any number of starters exactly one gets the lock, whenever they come.
 */
export class DataDirLock {
  readonly #folder: string;
  readonly #isServed: () => Promise<boolean>;
  #nonce = '';
  #held = false;

  /**
   * @param isServed whether somebody answers for this folder; asked where the owner is in another container and its pid
   * says nothing.
   */
  public constructor(folder: string, isServed: () => Promise<boolean>) {
    this.#folder = folder;
    this.#isServed = isServed;
  }

  /** @returns undefined when it is ours now, else who holds it. */
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

  /** Frees the lock; does nothing where it is not ours. */
  public release(): void {
    if (!this.#held) return;
    this.#held = false;
    // While its owner lives no other master replaces the file; this guards against people who do.
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

  /** @returns `changed` where the lock is another one by now, or the living process that is taking it over already. */
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
    // Only now: as long as the dead lock was there, each right had to stay given. One that is given again finds another lock.
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

  /** Removes what starters left that were killed before they were done. */
  #sweep(): void {
    for (const name of readdirSync(this.#folder)) {
      if (!name.startsWith(`${LOCK_NAME}.`)) continue;
      const claim = readClaim(join(this.#folder, name));
      if (claim === undefined) continue;
      // One without an owner may be a starter's that has made its file and not yet written it.
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
    // Never half-written by us; a crash of the operating system can leave it empty.
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

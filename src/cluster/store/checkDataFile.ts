import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';

/** A data file begins with two meta pages. The one with the higher transaction counts (liblmdb/mdb.c, struct MDB_meta). */
const MAGIC = 0xbeefc0de;
const META_BYTES = 160;
const OFFSETS = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152 } as const;
const MIN_PAGE_BYTES = 512;
const MAX_PAGE_BYTES = 65_536;
/**
 * LMDB does not write a page that a transaction has taken and given back (P_LOOSE in mdb_page_flush), also where it is the last of
 * the file. Its number counts all the same. One such page is usual.
 */
const MAX_UNWRITTEN_PAGES = 4n;

/**
 * LMDB maps its file into memory and trusts it. A page that is missing at the end would end the process with SIGBUS.
 *
 * @param isOwn no other process writes the file. Pages that are missing at its end, and were never written, are added then: nobody
 * reads them, and if somebody did, it would not be the end of the process.
 * @returns what is wrong with the file; undefined where it may be opened.
 * @throws Error of the file system.
 */
export function checkDataFile(path: string, isOwn: boolean): string | undefined {
  const file = openSync(path, isOwn ? 'r+' : 'r');
  try {
    const first = readMeta(file, 0);
    if (first === undefined) return `its data file is not a database (${fstatSync(file).size} bytes)`;
    const second = readMeta(file, first.pageSize);
    const last = second !== undefined && second.transaction > first.transaction ? second.lastPage : first.lastPage;
    const pageSize = BigInt(first.pageSize);
    const needed = (last + 1n) * pageSize;
    // The size is read last: another process may be writing, and it writes a page before it says that there is one.
    const { size } = fstatSync(file);
    const missing = needed - BigInt(size);
    if (missing <= 0n) return undefined;
    const isUnwritten = missing % pageSize === 0n && missing <= MAX_UNWRITTEN_PAGES * pageSize;
    if (!isUnwritten) return `its data file is truncated (${size} of ${needed} bytes)`;
    if (isOwn) ftruncateSync(file, Number(needed));
    return undefined;
  } finally {
    closeSync(file);
  }
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

/** Little-endian, as every platform that lmdb's binaries are built for. */
function readMeta(file: number, offset: number): Meta | undefined {
  const meta = Buffer.alloc(META_BYTES);
  if (readSync(file, meta, 0, META_BYTES, offset) < META_BYTES) return undefined;
  const pageSize = meta.readUInt32LE(OFFSETS.pageSize);
  if (meta.readUInt32LE(OFFSETS.magic) !== MAGIC || pageSize < MIN_PAGE_BYTES || pageSize > MAX_PAGE_BYTES)
    return undefined;
  return {
    pageSize,
    lastPage: meta.readBigUInt64LE(OFFSETS.lastPage),
    transaction: meta.readBigUInt64LE(OFFSETS.transaction),
  };
}

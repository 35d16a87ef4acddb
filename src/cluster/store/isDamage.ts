/** Those of LMDB's errors that say that the file itself is of no use (lmdb.h, "Return Codes"). */
const DAMAGE: ReadonlyMap<number, string> = new Map([
  [-30_797, 'MDB_PAGE_NOTFOUND'],
  [-30_796, 'MDB_CORRUPTED'],
  [-30_794, 'MDB_VERSION_MISMATCH'],
  [-30_793, 'MDB_INVALID'],
  [-30_784, 'MDB_INCOMPATIBLE'],
  [-30_778, 'MDB_BAD_CHECKSUM'],
  [-30_777, 'MDB_CRYPTO_FAIL'],
  [-30_776, 'MDB_ENV_ENCRYPTION'],
]);

/**
 * Whether an error of the database shows that its file is damaged. All others leave the file as it is: LMDB has no room for one
 * more reader, the map or a transaction is full, the operating system has no memory or descriptor.
 */
export function isDamage(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && DAMAGE.has(Number(error.code));
}

/** As {@link isDamage}, or the file was readable and what it holds was not. */
export function isUnreadable(error: unknown): boolean {
  return isDamage(error) || error instanceof SyntaxError || (error instanceof TypeError && !('code' in error));
}

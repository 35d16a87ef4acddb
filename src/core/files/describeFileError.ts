const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'is a file; it must be a folder',
  ENOTDIR: 'a part of the path is a file; it must be a folder',
  EACCES: 'no permission',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'the path is a circle of symbolic links',
  EMFILE: 'too many open files',
  ENOTSUP: 'the file system has no hard links',
  EOPNOTSUPP: 'the file system has no hard links',
  ENOSYS: 'the file system has no hard links',
};

/** @returns an error of the file system in words, with its file. */
export function describeFileError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined) return error.message;
  const reason = syscall === 'link' && code === 'EPERM' ? REASONS.ENOTSUP : REASONS[code];
  return `${reason ?? error.message}${path === undefined ? '' : ` (${syscall} ${path})`}`;
}

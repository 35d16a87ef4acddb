import { accessSync, constants, linkSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeFileError } from '../../core/files/describeFileError.js';
import { bytes } from '../../core/text/measures.js';
import { type DataDirChoice, type LockOwner, readLockOwner } from '../findMaster.js';
import { type Finding, fail, ok, warn } from './Finding.js';

const NAME = 'DATA_DIR';
const NO_SPACE_BYTES = 50e6;
const LITTLE_SPACE_BYTES = 1e9;

/** File systems over a network, by their magic number (statfs(2)). Locks and memory maps are not safe there. */
const NETWORK_TYPES: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB',
};

/** Checks the folder, its disk, and who holds it. A missing folder is not made. */
export async function checkDataDir(dataDir: DataDirChoice): Promise<Finding[]> {
  let stat: Stats | undefined;
  try {
    stat = statSync(dataDir.path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return [unusable(dataDir, error)];
  }
  if (stat === undefined) return [checkParent(dataDir)];
  if (!stat.isDirectory()) return [fail(NAME, `${dataDir.setting} is a file`, 'choose a folder')];
  return [checkWriting(dataDir, stat), await checkDisk(dataDir), describeOwner(dataDir, readLockOwner(dataDir.path))];
}

function checkParent({ path, setting }: DataDirChoice): Finding {
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    try {
      accessSync(parent, constants.W_OK | constants.X_OK);
      return ok(NAME, `${setting} is not there yet; the bot will make it`);
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing || dirname(parent) === parent) {
        return fail(
          NAME,
          `${setting} is not there, and cannot be made: ${describeFileError(error)}`,
          'make it, owned by the user of the bot',
        );
      }
    }
  }
}

/** The bot needs files and hard links: a hard link makes its lock. */
function checkWriting(dataDir: DataDirChoice, { uid }: Stats): Finding {
  const probe = join(dataDir.path, `.doctor-${process.pid}`);
  try {
    writeFileSync(probe, 'x'.repeat(4096), { flush: true, mode: 0o600 });
    linkSync(probe, `${probe}.link`);
  } catch (error) {
    return unusable(dataDir, error);
  } finally {
    for (const file of [probe, `${probe}.link`]) rmSync(file, { force: true });
  }
  const user = process.getuid?.();
  if (user !== undefined && user !== uid) {
    return warn(
      NAME,
      `${dataDir.setting} can be written, and belongs to another user (uid ${uid})`,
      'run the doctor as the user of the bot',
    );
  }
  return ok(NAME, `${dataDir.setting} can be written`);
}

async function checkDisk({ path, setting }: DataDirChoice): Promise<Finding> {
  const { bavail, bsize, type } = await statfs(path);
  const network = NETWORK_TYPES[type >>> 0];
  if (network !== undefined) {
    return warn(
      'disk',
      `${setting} is on ${network}: the store is not safe over a network`,
      'put DATA_DIR on a local disk',
    );
  }
  const free = bavail * bsize;
  const text = `${bytes(free)} free`;
  if (free < NO_SPACE_BYTES)
    return fail('disk', text, 'make room: without it sessions cannot be kept, and every restart logs in again');
  return free < LITTLE_SPACE_BYTES ? warn('disk', text, 'make room before it is full') : ok('disk', text);
}

function describeOwner({ setting }: DataDirChoice, owner: LockOwner | undefined): Finding {
  if (owner === undefined) return ok('master', `none runs on ${setting}`);
  if (owner.isRunning === true) return ok('master', `pid ${owner.pid} runs on ${setting}`);
  if (owner.isRunning === false)
    return ok('master', `none runs on ${setting}; the last one (pid ${owner.pid}) died without releasing it`);
  return warn(
    'master',
    `pid ${owner.pid} of another container holds ${setting}, or did`,
    'run the doctor in that container',
  );
}

function unusable({ setting }: DataDirChoice, error: unknown): Finding {
  return fail(
    NAME,
    `${setting}: ${describeFileError(error)}`,
    'choose a folder on a local disk that the user of the bot may write',
  );
}

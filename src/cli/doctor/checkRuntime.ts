import { availableParallelism, freemem } from 'node:os';
import { bytes } from '../../core/text/measures.js';
import { firstLine, messageOf } from '../../core/text/messageOf.js';
import { type Finding, fail, ok, warn } from './Finding.js';

/** The same as `engines` in package.json. */
const OLDEST_NODE = 20;
/** A cluster with a few guilds takes about 100 MB. */
const LITTLE_MEMORY_BYTES = 256e6;

/** Checks Node, the compiled database, and the memory of the machine. */
export async function checkRuntime(nodeVersion = process.versions.node): Promise<Finding[]> {
  return [checkNode(nodeVersion), await checkDatabase(), checkMachine()];
}

function checkNode(version: string): Finding {
  const major = Number.parseInt(version, 10);
  if (major >= OLDEST_NODE) return ok('Node', version);
  return fail('Node', `${version} is too old`, `install Node ${OLDEST_NODE} or later`);
}

/** The installation chooses its binary, so a node_modules that was copied from another machine may not run here. */
async function checkDatabase(): Promise<Finding> {
  try {
    await import('lmdb');
    return ok('database', 'the embedded database (lmdb) loads');
  } catch (error) {
    const why = firstLine(messageOf(error));
    return fail('database', `the embedded database (lmdb) does not load: ${why}`, 'run npm ci on this machine');
  }
}

function checkMachine(): Finding {
  const free = freemem();
  const text = `${availableParallelism()} processors, ${bytes(free)} memory free`;
  return free < LITTLE_MEMORY_BYTES
    ? warn('machine', text, 'free some memory, or set CLUSTER_COUNT lower: every cluster is a process')
    : ok('machine', text);
}

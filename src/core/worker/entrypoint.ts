import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Finds a worker's program. A bare name is looked up beside the running program's own entry file, with its extension
 * (`dist/entrypoints/<name>.js` here). A path or `file:` URL is taken as it is, so that another package can bring its own.
 *
 * @throws Error that names the file where there is none.
 */
export function findEntrypoint(entrypoint: string | URL): string {
  const file = locate(entrypoint);
  if (!existsSync(file)) throw new Error(`there is no worker program ${file}`);
  return file;
}

function locate(entrypoint: string | URL): string {
  if (entrypoint instanceof URL || entrypoint.startsWith('file:')) return fileURLToPath(entrypoint);
  if (isAbsolute(entrypoint) || /[\\/]/.test(entrypoint)) return resolve(entrypoint);
  const running = findRunning(process.argv[1]);
  return join(dirname(running), `${entrypoint}${extname(running) || '.js'}`);
}

/** Node also starts `bot/master` and `bot` where that means a `bot/master.js`. The command line has them as they were written. */
function findRunning(program: string | undefined): string {
  // `node --eval` has no program: the working directory stands in.
  if (program === undefined) return resolve('main');
  return realpathSync(createRequire(import.meta.url).resolve(program));
}

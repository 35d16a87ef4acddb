import { createServer } from 'node:net';
import { adminAddressFile } from '../../core/contracts/adminAddress.js';
import type { Config } from '../../core/settings/config.js';
import type { DataDirChoice } from '../findMaster.js';
import { type Finding, fail, ok, warn } from './Finding.js';

const NAME = 'ADMIN_PORT';

/** Checks that the admin API can listen where it should. A port that the running master holds is fine. */
export async function checkAdminPort(config: Config, dataDir: DataDirChoice, isRunning: boolean): Promise<Finding> {
  if (config.admin === undefined)
    return ok(NAME, 'off: there is no admin API, and of this command line only the doctor works');
  const { host, port, portIsDefault } = config.admin;
  const address = isRunning ? adminAddressFile(dataDir.path).tryRead() : undefined;
  if (address !== undefined) return ok(NAME, `the running master (pid ${address.pid}) listens at ${address.url}`);
  if (isRunning)
    return warn(NAME, 'the running master has no admin API (yet)', 'if it should have one, its log says why');
  const where = `${host}:${port}`;
  const problem = await tryToListen(host, port);
  switch (problem) {
    case undefined:
      return ok(NAME, port === 0 ? 'any that is free' : `${where} is free`);
    case 'EADDRINUSE':
      if (portIsDefault) return ok(NAME, `${where} is taken by another program; any that is free will be used`);
      return fail(NAME, `${where} is taken by another program`, 'choose another one, 0 for any that is free, or off');
    case 'EACCES':
      return fail(NAME, `${where} may not be opened by this user`, 'choose one above 1023');
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return fail('ADMIN_HOST', `${host} is no address of this machine`, 'set it to 127.0.0.1, or to one that is');
    default:
      return fail(NAME, `${where}: ${problem}`, 'choose another ADMIN_HOST or ADMIN_PORT');
  }
}

/** @returns the code of the error, or undefined if it can listen. */
function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

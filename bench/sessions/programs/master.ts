import { createLogger, loadConfig } from 'kallisti';
import { Master } from 'kallisti/master';

/** As the bot's own master, only that it runs the clusters beside this file. */
const config = loadConfig();
const master = new Master({ config, logger: createLogger({ level: config.logLevel, bindings: { kind: 'master' } }) });
process.on('SIGTERM', () => void master.stop().then(() => process.exit(0)));
await master.start();

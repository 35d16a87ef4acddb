import { runMaster } from '../master/runMaster.js';

await runMaster({ cluster: new URL('cluster.js', import.meta.url) });

import { runMaster } from 'kallisti/master';

await runMaster({ cluster: new URL('cluster.js', import.meta.url) });

import { ClusterWorker } from '../cluster/ClusterWorker.js';

const worker = new ClusterWorker();

// Ctrl-C is for the master, which stops its clusters in order.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => {
  worker.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});

worker.start().catch(async (error: unknown) => {
  await worker.fail(error);
  process.exit(1);
});

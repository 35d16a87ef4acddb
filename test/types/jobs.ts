import { type ClusterContext, ClusterWorker, defineJob } from '../../src/cluster/index.js';

interface OtherClient {
  readonly pets: readonly string[];
}

const plain = defineJob({ name: 'plain', every: '5m', run: (context, { dueAt }) => context.clusterId + dueAt });
const onEris = defineJob({
  name: 'eris',
  cron: '0 9 * * *',
  timezone: 'Europe/Berlin',
  run: ({ client }: ClusterContext, { signal }) => client.createMessage('1', String(signal.aborted)),
});
const onOther = defineJob({
  name: 'other',
  every: '1h',
  run: ({ client }: ClusterContext<OtherClient>) => client.pets.length,
});

new ClusterWorker({ jobs: [plain, onEris] });
// @ts-expect-error its client is eris
new ClusterWorker({ jobs: [onOther] });

// @ts-expect-error one of both
defineJob({ name: 'both', every: '5m', cron: '* * * * *', run: () => {} });
// @ts-expect-error one of both
defineJob({ name: 'neither', run: () => {} });
// @ts-expect-error a timezone is of a cron expression
defineJob({ name: 'zone', every: '5m', timezone: 'UTC', run: () => {} });

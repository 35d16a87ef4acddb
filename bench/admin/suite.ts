import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { spread } from '../measure.js';
import type { Row, Suite } from '../Suite.js';
import type { AdminReport } from './programs/adminMaster.js';

export const admin: Suite = {
  name: 'admin',
  about: `what the admin API costs the master of 64 clusters with 1024 shards.
The clusters have no process, but their answers are written and parsed as they would be. The load comes from another process.
"Of a core" is the processor time that the master's process took, less that of as many seconds without viewers.`,
  async run(progress) {
    progress('64 clusters, 1024 shards');
    const child = fork(fileURLToPath(new URL('programs/adminMaster.js', import.meta.url)));
    const [[report]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[AdminReport], unknown];
    const row = (what: string, unit: string, values: readonly number[], max: number, note: string): Row => ({
      what,
      unit,
      ours: spread(values),
      target: { is: 'at most', value: max, of: 'ours' },
      note,
    });
    const { page } = report;
    const loads = `${page?.paintMs.length} loads in Chromium, logged in, nothing cached`;
    const pageRows: readonly Row[] =
      page === undefined
        ? []
        : [
            row('status page: first paint', 'ms', page.paintMs, 300, loads),
            { what: 'status page: all 64 clusters are there', unit: 'ms', ours: spread(page.cardsMs) },
            row('status page: an update', 'ms', page.updateMs, 150, 'processor time of the page for one status'),
            row('status page: all of its files', 'kB', [page.pageKb], 100, 'as they come over the wire'),
          ];
    return [
      row('GET /api/status', 'ms', report.statusMs, 20, `${report.statusKb} kB; every request asks all clusters anew`),
      row('GET /metrics', 'ms', report.metricsMs, 200, `${report.metricsKb} kB, ${report.series} series; likewise`),
      row('50 viewers', '% of a core', [report.viewersPercent], 5, `${report.eventKbPerSecond} kB a second for each`),
      ...pageRows,
    ];
  },
};

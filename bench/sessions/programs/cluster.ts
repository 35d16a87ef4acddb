import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ClusterWorker } from 'kallisti/cluster';

/** The bot's cluster with more intents, which says how it gets ready and how long its event loop stood still meanwhile. */
const RESOLUTION_MS = 1;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let preparedAt = 0;

const worker = new ClusterWorker({
  // With `guildPresences`, guilds come with all their members.
  intents: [
    ...(['guilds', 'guildMessages', 'directMessages', 'guildMembers'] as const),
    ...(['guildPresences', 'guildMessageReactions', 'guildVoiceStates'] as const),
  ],
  // Right before the cache is filled.
  setUp: () => {
    preparedAt = performance.timeOrigin + performance.now();
    delays.enable();
  },
  // Right after the predecessor has let go, which is asked for when the cache is filled.
  saveState: () => Date.now(),
  restoreState: (releasedAt) => report('filled', Number(releasedAt) - preparedAt),
});

function report(what: string, durationMs: number): void {
  worker.logger.info({ durationMs, stallMs: Math.max(0, delays.max / 1e6 - RESOLUTION_MS) }, what);
}

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
await worker.start();
report('resumed', performance.timeOrigin + performance.now() - preparedAt);

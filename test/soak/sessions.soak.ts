import { setTimeout as sleep } from 'node:timers/promises';
import { soakTest } from './soakTest.js';
import { STEPS } from './steps.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));

soakTest(`loses nothing and breaks no rule for ${MINUTES} minutes, seed ${SEED}`, {
  seed: SEED,
  durationMs: MINUTES * 60_000,
  // Longer than the longest pause before a crashed cluster is started again.
  limitMs: 150_000,
  settleLimitMs: 60_000,
  repeat: `SOAK_SEED=${SEED} SOAK_MINUTES=${MINUTES} npm run test:soak`,
  discord: {},
  settings: { ADMIN_PORT: 'off' },
  round: async (soak, say) => {
    await sleep(soak.random.below(2_000));
    const step = soak.random.weighted(STEPS);
    say(step.name);
    const details = await step.run(soak);
    if (details !== '') say(`  ${details}`);
  },
});

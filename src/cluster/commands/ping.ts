import { defineCommand } from './Command.js';

/** Answers from this process alone. Shows which shard, cluster and process serve this place, and the latency to Discord. */
export const ping = defineCommand({
  definition: { name: 'ping', description: 'Checks that the bot answers, and shows which process did.' },
  async run(invocation, context) {
    const latencyMs = context.latencyMs(invocation.shardId);
    const latency = latencyMs === null ? 'not measured yet' : `${Math.round(latencyMs)} ms`;
    await invocation.reply(
      `pong · gateway latency ${latency} · shard ${invocation.shardId} · cluster ${context.clusterId} · pid ${process.pid}`,
    );
  },
});

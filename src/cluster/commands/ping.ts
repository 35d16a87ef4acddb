import { defineCommand } from './Command.js';

/** Answers from this process alone: shows which shard, cluster and process serve this place, and how far Discord is. */
export const ping = defineCommand({
  definition: { name: 'ping', description: 'Shows whether the bot is there, and which of its processes answers.' },
  async run(invocation, context) {
    const latencyMs = context.latencyMs(invocation.shardId);
    const latency = latencyMs === null ? 'not measured yet' : `${Math.round(latencyMs)} ms`;
    await invocation.reply(
      `pong · gateway latency ${latency} · shard ${invocation.shardId} · cluster ${context.clusterId} · pid ${process.pid}`,
    );
  },
});

import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterWorker } from 'kallisti/cluster';
import { eris } from 'kallisti/eris';

/** A bot on eris that thinks as those of `examples/` do, with listeners that end its process. */
const ENDINGS: Readonly<Record<string, () => void>> = {
  '!block': () => {
    for (;;);
  },
  '!exit': () => process.exit(3),
  '!eat': () => {
    const eaten: unknown[] = [];
    for (;;) eaten.push(Array.from({ length: 1_000 }, () => ({})));
  },
};

const worker = new ClusterWorker({
  client: eris({ intents: ['guilds', 'guildMessages', 'messageContent'] }),
  setUp(client) {
    client.on('messageCreate', async ({ author, channel, content, id }) => {
      if (author.bot) return;
      ENDINGS[content]?.();
      if (!content.startsWith('!think')) return;
      await sleep(400);
      await client.createMessage(channel.id, {
        content: `thought about ${content.slice('!think'.length).trim()}`,
        messageReference: { messageID: id },
      });
    });
  },
});

process.on('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
worker.start().catch(async (error: unknown) => {
  await worker.fail(error);
  process.exit(1);
});

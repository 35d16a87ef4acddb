import type { ClientFactory } from '../../src/cluster/clients/ClientAdapter.js';
import { type DiscordJsClient, discordJs } from '../../src/cluster/clients/discordjs/index.js';
import { type ClusterContext, ClusterWorker, createCommands, defineCommand } from '../../src/cluster/index.js';

/** A library that is not eris. */
interface OtherClient {
  readonly pets: readonly string[];
}
declare const other: ClientFactory<OtherClient>;

// Without `client` it is eris, with eris's options.
new ClusterWorker({
  intents: ['guilds'],
  clientOptions: { messageLimit: 10 },
  setUp: (client, context) => {
    client.on('messageCreate', ({ content }) => content.length);
    context.client.guilds.size.toFixed();
    // @ts-expect-error eris has none
    client.pets;
  },
});

new ClusterWorker({
  client: other,
  setUp: (client, context: ClusterContext<OtherClient>) => {
    client.pets.join(context.client.pets.join());
    // @ts-expect-error it is not eris
    client.guilds;
  },
});

// @ts-expect-error not an intent of eris
new ClusterWorker({ intents: ['everything'] });

new ClusterWorker({
  client: discordJs({ intents: ['Guilds'], partials: [], rest: { timeout: 5_000 }, ws: { large_threshold: 100 } }),
  setUp: (client, context) => {
    client.on('messageCreate', ({ content }) => content.length);
    context.client.guilds.cache.size.toFixed();
    // @ts-expect-error eris has it, discord.js has not
    client.editStatus('idle');
  },
});

// @ts-expect-error not an intent of discord.js
discordJs({ intents: ['guilds'] });
// @ts-expect-error the gateway says which shards there are
discordJs({ intents: [], shardCount: 4 });
// @ts-expect-error the gateway connects
discordJs({ intents: [], ws: { buildStrategy: () => undefined } });

/** A command says which client it uses, if any; those of the framework use none. */
const definition = { name: 'size', description: 'Counts guilds.' };
const any = defineCommand({ definition, run: (invocation) => invocation.reply('here') });
const ofDiscordJs = defineCommand({
  definition,
  run: (invocation, { client }: ClusterContext<DiscordJsClient>) => invocation.reply(`${client.guilds.cache.size}`),
});
const ofEris = defineCommand({
  definition,
  run: (invocation, { client }: ClusterContext) => invocation.reply(`${client.guilds.size}`),
});
const client = discordJs({ intents: [] });
new ClusterWorker({ client, commands: (dependencies) => [...createCommands(dependencies), any, ofDiscordJs] });
new ClusterWorker({ commands: (dependencies) => [...createCommands(dependencies), any, ofEris] });
// @ts-expect-error it is written for eris
new ClusterWorker({ client, commands: () => [ofEris] });

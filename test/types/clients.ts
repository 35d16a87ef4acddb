import type { ClientFactory } from '../../src/cluster/clients/ClientAdapter.js';
import { type DiscordJsClient, discordJs } from '../../src/cluster/clients/discordjs/index.js';
import { dysnomia } from '../../src/cluster/clients/dysnomia/index.js';
import { eris } from '../../src/cluster/clients/eris/index.js';
import { oceanic } from '../../src/cluster/clients/oceanic/index.js';
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

new ClusterWorker({
  client: eris({ intents: ['guilds'], clientOptions: { messageLimit: 10 } }),
  setUp: (client) => void client.on('messageCreate', ({ content }) => content.length),
});

new ClusterWorker({
  client: dysnomia({
    messageLimit: 10,
    gateway: { intents: ['guilds'], getAllUsers: true },
    rest: { requestTimeout: 5_000 },
  }),
  setUp: (client, context) => {
    client.on('messageCreate', ({ content }) => content.length);
    context.client.guilds.size.toFixed();
    // @ts-expect-error discord.js has it, dysnomia has not
    client.guilds.cache;
  },
});

// @ts-expect-error not an intent of dysnomia
dysnomia({ gateway: { intents: ['GUILDS'] } });
// @ts-expect-error the gateway says which shards there are
dysnomia({ gateway: { maxShards: 4 } });
// @ts-expect-error requests go to the API's URL
dysnomia({ rest: { domain: 'example.org' } });

new ClusterWorker({
  client: oceanic({ collectionLimits: { messages: 10 }, gateway: { intents: ['GUILDS'], compress: 'zlib-stream' } }),
  setUp: (client, context) => {
    client.on('messageCreate', ({ content }) => void content.length);
    context.client.guilds.size.toFixed();
    // @ts-expect-error eris has it, oceanic.js has not
    client.createMessage;
  },
});

// @ts-expect-error not an intent of oceanic.js
oceanic({ gateway: { intents: ['guilds'] } });
// @ts-expect-error the gateway says which shards there are
oceanic({ gateway: { shardIDs: [4] } });
// @ts-expect-error the gateway knows no other compression
oceanic({ gateway: { compress: 'zstd-stream' } });
// @ts-expect-error the master knows the token
oceanic({ auth: 'Bot token' });

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

import type { ClientFactory } from '../../src/cluster/clients/ClientAdapter.js';
import { type ClusterContext, ClusterWorker } from '../../src/cluster/index.js';

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

import { Agent } from 'node:https';
import { connect } from 'node:net';
import { Client } from 'eris';

/** A process that only loads eris and the guilds of one shard; says when they are there. Its connection is eris's own. */
class PlainAgent extends Agent {
  public override createConnection() {
    return connect({ host: '127.0.0.1', port: Number(new URL(apiUrl).port) });
  }
}

const [token = '', apiUrl = ''] = process.argv.slice(2);
const client = new Client(`Bot ${token}`, {
  intents: ['guilds', 'guildMessages', 'directMessages'],
  messageLimit: 0,
  rest: { agent: new PlainAgent({ keepAlive: true }) },
});
client.on('error', () => undefined);
client.once('ready', () => process.stdout.write('ready\n'));
await client.connect();

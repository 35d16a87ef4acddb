import type { CliCommand } from '../CliCommand.js';
import { parseWhole } from '../CliCommand.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import type { Session } from '../Session.js';
import { shardsText } from '../text/shardsText.js';

export const shardsCommand: CliCommand = ({ program, action }) => {
  program
    .command('shards')
    .description('Shows every shard, or those of one cluster: state, latency, guilds, and how it last came up.')
    .argument('[cluster]', 'id of a cluster', parseWhole)
    .addHelpText(
      'after',
      `
Examples:
  kallisti shards
  kallisti shards 2
  kallisti shards --json | jq 'map(select(.state != "ready") | .shardId)'`,
    )
    .action(action<object, [number | undefined]>((session, _flags, clusterId) => show(session, clusterId)));
};

async function show(session: Session, clusterId: number | undefined): Promise<ExitCode> {
  const { screen, signal } = session;
  const { clusters, at } = await session.connect().request('GET /api/status', { signal });
  const wanted = clusterId === undefined ? clusters : clusters.filter((cluster) => cluster.clusterId === clusterId);
  if (clusterId !== undefined && wanted.length === 0) {
    screen.note(
      `there is no cluster ${clusterId}; there are ${clusters.map((cluster) => cluster.clusterId).join(', ')}`,
    );
    if (session.isJson) screen.json([]);
    return EXIT_CODES.failed;
  }
  if (session.isJson) {
    screen.json(wanted.flatMap(({ clusterId: id, shards }) => shards.map((shard) => ({ clusterId: id, ...shard }))));
  } else {
    screen.print(shardsText(wanted, at, { paint: screen.paint, width: screen.width }));
  }
  return EXIT_CODES.done;
}

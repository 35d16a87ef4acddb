import { createHash } from 'node:crypto';
import type { Json } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { ApiRequest, Route } from './Api.js';
import { type Commands, localized } from './Commands.js';
import { parseCommand, parseCommandPatch, parseCommands } from './commandBody.js';
import { missingAccess, unknown } from './DiscordApiError.js';

/** discord.com/developers/docs/reference#boolean-query-strings */
const TRUE = new Set(['true', 'True', '1']);

/**
 * The application and its commands (discord.com/developers/docs/interactions/application-commands#endpoints), globally and
 * per guild.
 */
export function applicationsRoutes(world: World, commands: Commands): Route[] {
  const own: Route[] = ['/applications/@me', '/oauth2/applications/@me'].map((path) => ({
    method: 'GET',
    path,
    handle: () => ({ body: applicationPayload(world) }),
  }));
  return [
    ...own,
    ...commandRoutes(world, commands, '/applications/:applicationId/commands'),
    ...commandRoutes(world, commands, '/applications/:applicationId/guilds/:guildId/commands'),
  ];
}

function commandRoutes(world: World, commands: Commands, path: string): Route[] {
  /** The guild of the request, if it has one. Throws if the application or the guild is not ours. */
  const scope = ({ params }: ApiRequest): string | undefined => {
    if (params.applicationId !== world.applicationId) throw unknown.application();
    const guildId = params.guildId;
    // Discord says "Missing Access" if the application is not installed in the guild.
    if (guildId !== undefined && !world.hasGuild(guildId)) throw missingAccess();
    return guildId;
  };
  const id = ({ params }: ApiRequest) => params.commandId ?? '';
  return [
    {
      method: 'GET',
      path,
      handle: (request) => {
        const list = commands.list(scope(request));
        if (TRUE.has(request.query.with_localizations ?? '')) return { body: list };
        return { body: list.map((command) => localized(command, request.locale)) };
      },
    },
    {
      method: 'PUT',
      path,
      handle: (request) => {
        const guildId = scope(request);
        return { body: commands.overwrite(parseCommands(request.body, world.integrationTypes), guildId) };
      },
    },
    {
      method: 'POST',
      path,
      handle: (request) => {
        const { command, created } = commands.upsert(
          parseCommand(request.body, world.integrationTypes),
          scope(request),
        );
        return { status: created ? 201 : 200, body: command };
      },
    },
    {
      method: 'GET',
      path: `${path}/:commandId`,
      handle: (request) => ({ body: commands.get(id(request), scope(request)) }),
    },
    {
      method: 'PATCH',
      path: `${path}/:commandId`,
      handle: (request) => {
        const guildId = scope(request);
        const old = commands.get(id(request), guildId);
        return { body: commands.patch(old.id, parseCommandPatch(request.body, old, world.integrationTypes), guildId) };
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:commandId`,
      handle: (request) => {
        commands.delete(id(request), scope(request));
        return {};
      },
    },
  ];
}

/** The application as Discord shows it to its own bot: discord.com/developers/docs/resources/application */
function applicationPayload(world: World): Json {
  const { teamId } = world;
  const owner = world.ensureUser(world.ownerId);
  const isTeam = world.ownerIds.length > 1;
  const team = {
    id: teamId,
    icon: null,
    name: 'Local team',
    owner_user_id: world.ownerId,
    members: world.ownerIds.map((id, index) => ({
      user: world.ensureUser(id),
      team_id: teamId,
      membership_state: 2,
      role: index === 0 ? 'admin' : 'developer',
      permissions: ['*'],
    })),
  };
  return {
    id: world.applicationId,
    name: world.bot.username,
    icon: null,
    description: 'An application of the local Discord.',
    type: null,
    summary: '',
    bot: world.publicBot,
    bot_public: true,
    bot_require_code_grant: false,
    // A team's application shows a made-up user as its owner (discord.com/developers/docs/topics/teams).
    owner: isTeam ? { ...owner, id: teamId, username: `team${teamId}` } : owner,
    team: isTeam ? team : null,
    verify_key: createHash('sha256').update(world.applicationId).digest('hex'),
    flags: 0,
    approximate_guild_count: world.guildIds.length,
    approximate_user_install_count: 0,
    approximate_user_authorization_count: 0,
    install_params: { scopes: ['bot', 'applications.commands'], permissions: '2048' },
    // A new application can be installed to guilds and to users.
    integration_types_config: Object.fromEntries(world.integrationTypes.map((type) => [type, {}])),
    interactions_endpoint_url: null,
    redirect_uris: [],
    event_webhooks_status: 1,
  };
}

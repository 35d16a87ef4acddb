import type { Gateway } from '../gateway/Gateway.js';
import { CHANNEL_CATEGORY, type ChannelPayload, type MessagePayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { ApiRequest, Route } from './Api.js';
import type { BotMessages } from './BotMessages.js';
import { DiscordApiError, invalidField, unknown } from './DiscordApiError.js';
import { parseMessageBody } from './messageBody.js';

/** discord.com/developers/docs/resources/channel and .../resources/message */
export function channelsRoutes(world: World, gateway: Gateway, messages: BotMessages): Route[] {
  const channelOf = ({ params }: ApiRequest): ChannelPayload => {
    const channel = world.findChannel(params.channelId ?? '');
    if (channel === undefined) throw unknown.channel();
    return channel;
  };
  const messageOf = (request: ApiRequest): MessagePayload =>
    messages.get(request.params.messageId ?? '', channelOf(request).id);
  const list = '/channels/:channelId/messages';
  const one = `${list}/:messageId`;
  return [
    { method: 'GET', path: '/channels/:channelId', handle: (request) => ({ body: channelOf(request) }) },
    {
      method: 'POST',
      path: '/channels/:channelId/typing',
      handle: (request) => {
        announceTyping(world, gateway, channelOf(request));
        return {};
      },
    },
    {
      method: 'GET',
      path: list,
      handle: (request) => {
        const limit = Number(request.query.limit ?? 50);
        if (!(limit >= 1 && limit <= 100))
          throw invalidField(['limit'], 'NUMBER_TYPE_MAX', 'int value should be between 1 and 100.');
        return { body: messages.list(channelOf(request).id, limit) };
      },
    },
    {
      method: 'POST',
      path: list,
      handle: (request) => {
        const channel = channelOf(request);
        if (channel.type === CHANNEL_CATEGORY)
          throw new DiscordApiError(400, 50008, 'Cannot send messages in a non-text channel');
        const body = parseMessageBody(request.body, { allowEphemeral: false, allowEmpty: false, files: request.files });
        return { body: messages.post(channel, body) };
      },
    },
    { method: 'GET', path: one, handle: (request) => ({ body: messageOf(request) }) },
    {
      method: 'PATCH',
      path: one,
      handle: (request) => {
        const message = messageOf(request);
        if (message.author.id !== world.bot.id) {
          throw new DiscordApiError(403, 50005, 'Cannot edit a message authored by another user');
        }
        const rules = { allowEphemeral: false, allowEmpty: true, files: request.files };
        return { body: messages.edit(message, parseMessageBody(request.body, rules)) };
      },
    },
    {
      method: 'DELETE',
      path: one,
      handle: (request) => {
        messages.delete(messageOf(request));
        return {};
      },
    },
  ];
}

function announceTyping(world: World, gateway: Gateway, channel: ChannelPayload): void {
  const data = { channel_id: channel.id, user_id: world.bot.id, timestamp: Math.floor(Date.now() / 1000) };
  const guildId = channel.guild_id;
  if (guildId === undefined) {
    gateway.dispatchDirect('TYPING_START', data);
    return;
  }
  gateway.dispatchToGuild('TYPING_START', guildId, { ...data, guild_id: guildId, member: world.botMember(guildId) });
}

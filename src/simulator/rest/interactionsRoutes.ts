import { MESSAGE_FLAG_EPHEMERAL, MESSAGE_FLAG_LOADING } from '../world/payloads.js';
import type { ApiRequest, Route } from './Api.js';
import type { InteractionResponses } from './InteractionResponses.js';

/** discord.com/developers/docs/interactions/receiving-and-responding#endpoints */
export function interactionsRoutes(responses: InteractionResponses): Route[] {
  const live = ({ params }: ApiRequest) => responses.forWebhook(params.applicationId ?? '', params.token ?? '');
  const messageId = ({ params }: ApiRequest) => params.messageId ?? '';
  const message = '/webhooks/:applicationId/:token/messages/:messageId';
  return [
    {
      method: 'POST',
      path: '/interactions/:interactionId/:token/callback',
      auth: 'token',
      handle: (request) => {
        const { params, body, files, query } = request;
        const result = responses.acknowledge(params.interactionId ?? '', params.token ?? '', body, files);
        return query.with_response === 'true' ? { status: 200, body: callbackResponse(result) } : {};
      },
    },
    {
      method: 'POST',
      path: '/webhooks/:applicationId/:token',
      auth: 'token',
      // Interaction webhooks answer with the message even without `wait=true`.
      handle: (request) => ({ body: responses.followUp(live(request), request.body, request.files) }),
    },
    {
      method: 'GET',
      path: message,
      auth: 'token',
      handle: (request) => ({ body: responses.message(live(request), messageId(request)) }),
    },
    {
      method: 'PATCH',
      path: message,
      auth: 'token',
      handle: (request) => ({
        body: responses.edit(live(request), messageId(request), request.body, request.files),
      }),
    },
    {
      method: 'DELETE',
      path: message,
      auth: 'token',
      handle: (request) => {
        responses.delete(live(request), messageId(request));
        return {};
      },
    },
  ];
}

/** discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback-interaction-callback-response-object */
function callbackResponse({ interaction, type }: ReturnType<InteractionResponses['acknowledge']>) {
  const { original, kind, id } = interaction;
  const flags = original?.flags ?? 0;
  const types = { command: 2, component: 3, autocomplete: 4 };
  const hasMessage = original !== undefined && (type === 4 || type === 5 || type === 7);
  return {
    interaction: {
      id,
      type: types[kind],
      ...(hasMessage
        ? {
            response_message_id: original.id,
            response_message_loading: (flags & MESSAGE_FLAG_LOADING) !== 0,
            response_message_ephemeral: (flags & MESSAGE_FLAG_EPHEMERAL) !== 0,
          }
        : {}),
    },
    ...(hasMessage ? { resource: { type, message: original } } : {}),
  };
}

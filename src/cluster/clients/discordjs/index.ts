/** What a bot that is written on discord.js needs: `kallisti/discord.js`. */
export { type DiscordJsClient, type DiscordJsOptions, discordJs } from './discordJs.js';

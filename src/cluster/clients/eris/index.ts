/** What a bot that says that it is written on eris needs: `kallisti/eris`. Without `client`, a bot is on eris as well. */
export { type ErisClient, type ErisOptions, eris } from './eris.js';

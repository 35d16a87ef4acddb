export { ErisAdapter } from './ErisAdapter.js';
export { type ErisClient, type ErisOptions, eris } from './eris.js';

/** What a bot that is written on oceanic.js needs: `kallisti/oceanic`. */
export { type OceanicClient, type OceanicOptions, oceanic } from './oceanic.js';

/** What a bot that is written on dysnomia needs: `kallisti/dysnomia`. */
export { type DysnomiaClient, type DysnomiaOptions, dysnomia } from './dysnomia.js';

import { z } from 'zod';
import { KallistiError } from '../../core/errors.js';
import { LOG_LEVELS } from '../../core/settings/settings.js';

const clusterId = z.number().int().min(0).max(65_535);
const clusterIdText = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(clusterId);

const lines = z
  .string()
  .regex(/^\d{1,6}$/)
  .transform((text) => Math.min(1_000, Number(text)))
  .default(200);

/** Everything that a request may hold. Any other field is refused, so that a misspelt one does not pass for a default. */
export const inputs = {
  none: z.strictObject({}),
  login: z.strictObject({ token: z.string().min(1).max(1_000) }),
  restart: z.strictObject({ clusterIds: z.array(clusterId).min(1).max(65_536).exactOptional() }),
  evaluate: z.strictObject({
    code: z.string().min(1).max(60_000),
    target: z.union([z.literal('all'), z.literal('master'), z.strictObject({ clusterId })]),
  }),
  logLevel: z.strictObject({ level: z.enum(LOG_LEVELS), clusterId: clusterId.optional() }),
  logLines: z.strictObject({ lines }),
  events: z.strictObject({ logs: z.union([z.literal('all'), z.literal('master'), clusterIdText]).optional() }),
  clusterPath: z.strictObject({ id: clusterIdText }),
  snowflakePath: z.strictObject({ id: z.string().regex(/^[1-9]\d{5,19}$/) }),
} as const;

/** @throws KallistiError INVALID_REQUEST that names the field and what is wrong with it. */
export function parseInput<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the request' : issue.path.join('.');
  throw new KallistiError('INVALID_REQUEST', `${where}: ${issue?.message ?? 'is not valid'}`);
}

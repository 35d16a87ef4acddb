import ms from 'ms';

export const formatBytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

export const formatDuration = (durationMs: number): string => ms(Math.max(0, Math.round(durationMs / 1000) * 1000));

/** A latency that was measured, or a dash. */
export const formatLatency = (latencyMs: number | null | undefined): string =>
  latencyMs === null || latencyMs === undefined ? '-' : `${Math.round(latencyMs)} ms`;

export const formatCount = (count: number, singular: string): string =>
  `${count.toLocaleString('en')} ${singular}${count === 1 ? '' : 's'}`;

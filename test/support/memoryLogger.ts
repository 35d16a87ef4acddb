import { createLogger, type Logger } from '../../src/core/log/logger.js';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface MemoryLogger {
  readonly logger: Logger;
  readonly lines: readonly LogLine[];
  /** Messages of warnings and worse. */
  warnings(): string[];
}

/** A logger that keeps what it is told, in the form in which it would be printed. */
export function memoryLogger(): MemoryLogger {
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ level: 'debug', pretty: false, destination });
  return { logger, lines, warnings: () => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg) };
}

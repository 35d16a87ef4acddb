/** One line of Prometheus's text format. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: MetricSample[];
}

export interface ParsedMetrics {
  readonly families: ReadonlyMap<string, MetricFamily>;
  values(name: string, labels?: Readonly<Record<string, string>>): readonly MetricSample[];
  /** @throws Error where there is not exactly one such sample. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[+-]?[\d.]+(?:e[+-]?\d+)?)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/**
 * Reads Prometheus's text format (prometheus.io/docs/instrumenting/exposition_formats), as strictly as it is written: HELP
 * and TYPE before the samples of a family, each family in one piece, no sample twice, and buckets that only grow up to `+Inf`,
 * which is the count.
 *
 * @throws Error that names the line.
 */
export function parseMetrics(text: string): ParsedMetrics {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended');
  const families = new Map<string, MetricFamily>();
  const seen = new Set<string>();
  let current: MetricFamily | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (help !== null) {
      const [, name = '', words = ''] = help;
      if (families.has(name)) throw new Error(`${name} comes twice`);
      current = { name, help: words, type: '', samples: [] };
    } else if (type !== null) {
      if (current === undefined || current.name !== type[1]) throw new Error(`TYPE without HELP: ${line}`);
      current = { ...current, type: type[2] ?? '' };
      families.set(current.name, current);
    } else {
      const sample = parseSample(line);
      const family = sample.name.replace(current?.type === 'histogram' ? /_(?:bucket|sum|count)$/ : /$^/, '');
      if (current === undefined || family !== current.name) throw new Error(`outside of its family: ${line}`);
      const key = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
      if (seen.has(key)) throw new Error(`comes twice: ${line}`);
      seen.add(key);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') checkBuckets(family);
  const values = (name: string, labels: Readonly<Record<string, string>> = {}): MetricSample[] =>
    [...families.values()]
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name && Object.entries(labels).every(([key, v]) => sample.labels[key] === v));
  return {
    families,
    values,
    value(name, labels) {
      const found = values(name, labels);
      if (found.length !== 1) throw new Error(`${name} ${JSON.stringify(labels)}: ${found.length} samples`);
      return found[0]?.value ?? Number.NaN;
    },
  };
}

function parseSample(line: string): MetricSample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const [, name = '', inner = '', number = ''] = match;
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const label = LABEL.exec(inner);
    if (label === null) throw new Error(`no labels: ${line}`);
    labels[label[1] ?? ''] = label[2] ?? '';
  }
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) };
}

function checkBuckets({ name, samples }: MetricFamily): void {
  const counts = new Map<string, number[]>();
  const keyOf = ({ labels: { le: _le, ...rest } }: MetricSample): string => JSON.stringify(Object.entries(rest).sort());
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    const before = counts.get(keyOf(sample)) ?? [];
    if (sample.value < (before.at(-1) ?? 0)) throw new Error(`${name}: a bucket is smaller than the one before`);
    counts.set(keyOf(sample), [...before, sample.value]);
  }
  for (const sample of samples) {
    if (sample.name !== `${name}_count`) continue;
    if (counts.get(keyOf(sample))?.at(-1) !== sample.value) throw new Error(`${name}: +Inf is not the count`);
  }
}

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ParsedMetrics, parseMetrics } from './parseMetrics.js';
import { World } from './World.js';

const read = (name: string): string => readFileSync(new URL(`../../../docs/grafana/${name}`, import.meta.url), 'utf8');

let metrics: ParsedMetrics;
beforeAll(async () => {
  const world = await World.start();
  world.admin.observer.requested('getStats', 1, 'REQUEST_TIMEOUT');
  world.fleet.clusters.all[0]?.send('shardsArrived', [{ shardId: 0, by: 'resumed', replayed: 3, pauseMs: 45 }]);
  metrics = parseMetrics((await world.call('/metrics')).text);
  await world.stop();
});

const used = new Set<string>();
/** Every metric of an expression must be one that is served, and every label that it asks for one that it has. */
function check(expression: string): void {
  const names = [...expression.matchAll(/\b(?:kallisti|process|nodejs)_\w+/g)].map(([name]) => name);
  expect(names.length, expression).toBeGreaterThan(0);
  for (const name of names) {
    used.add(name.replace(/_bucket$/, ''));
    expect(metrics.values(name).length, `${name} in ${expression}`).toBeGreaterThan(0);
  }
  const known = new Set(names.flatMap((name) => metrics.values(name).flatMap(({ labels }) => Object.keys(labels))));
  const asked = [
    ...[...expression.matchAll(/by \(([\w, ]+)\)/g)].flatMap(([, list]) => (list ?? '').split(/, */)),
    ...[...expression.matchAll(/([a-z]\w*)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label ?? ''),
  ];
  const strange = asked.filter((label) => !known.has(label) && label !== 'job' && label !== 'instance');
  expect(strange, expression).toEqual([]);
}

it('the dashboard shows what is served', () => {
  const { panels, annotations } = JSON.parse(read('dashboard.json')) as {
    panels: { id: number; title: string; targets?: { expr: string }[] }[];
    annotations: { list: { expr: string }[] };
  };
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { expr } of [...panels.flatMap(({ targets }) => targets ?? []), ...annotations.list]) check(expr);
});

it('the alerts watch what is served', () => {
  const rules = read('alerts.yml').split('- alert: ').slice(1);
  expect(rules.length).toBeGreaterThan(9);
  for (const rule of rules) {
    const [expression = ''] = [...rule.matchAll(/^ {8}expr: (.*)$/gm)].map(([, text]) => text ?? '');
    if (!/^up\{/.test(expression)) check(expression);
    expect(rule).toMatch(/severity: (?:critical|warning)/);
    expect(rule).toMatch(/summary: ".+"/);
  }
});

afterAll(() => {
  // What nobody looks at costs every scrape for nothing.
  expect(used.size).toBeGreaterThan(25);
});

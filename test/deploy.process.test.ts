import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PersistentVolumeClaim, Secret, Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { AdminApi } from '../src/core/contracts/AdminApi.js';
import { SETTINGS } from '../src/core/settings/settings.js';
import { parseDuration } from '../src/core/time/duration.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DEPLOY = join(ROOT, 'docs/deploy');

/** What a stop takes at most: the drain, then SIGTERM, SIGKILL and their patience (docs/architecture.md, Stopping). */
const STOP_SECONDS = (parseDuration(SETTINGS.DRAIN_TIMEOUT.default) ?? 0) / 1000 + 15;

const read = (name: string): string => readFileSync(join(DEPLOY, name), 'utf8');

/** The program of a command line exists once it is built. */
function expectBuilt(command: readonly string[]): void {
  const program = command.find((word) => word.endsWith('.js')) ?? '';
  expect(existsSync(join(ROOT, program)), program).toBe(true);
}

describe('the systemd unit', () => {
  const unit = read('kallisti.service');
  /** All values of a directive. */
  const valuesOf = (name: string): string[] =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

  const hasAnalyzer = spawnSync('systemd-analyze', ['--version']).status === 0;
  // In CI it must be there: .ci/run installs it.
  it.skipIf(!hasAnalyzer && process.env.CI !== 'true')('is what systemd understands, to the last line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kallisti-unit-'));
    const verify = (text: string) => {
      const file = join(folder, 'kallisti.service');
      // It looks whether the program is there; where Node is differs.
      writeFileSync(file, text.replaceAll('/usr/bin/node', process.execPath));
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
      return { status, complaints: stderr.split('\n').filter((line) => line.includes('kallisti.service')) };
    };
    try {
      expect(verify(unit)).toEqual({ status: 0, complaints: [] });
      // And it would have said so.
      expect(verify(unit.replace('KillMode=', 'KilMode=')).complaints.join()).toMatch(/KilMode/);
      expect(verify(unit.replace('TimeoutStopSec=45', 'TimeoutStopSec=soon')).complaints.join()).toMatch(
        /parse time value/,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('leaves the master the time that a stop takes, and its clusters to it', () => {
    expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(STOP_SECONDS);
    expect(valuesOf('KillMode')).toEqual(['mixed']);
    expect(valuesOf('KillSignal')).toEqual(['SIGTERM']);
    expect(valuesOf('Restart')).toEqual(['on-failure']);
  });

  it('starts programs that there are, with settings that there are', () => {
    for (const command of [...valuesOf('ExecStart'), ...valuesOf('ExecReload')]) expectBuilt(command.split(' '));
    const names = valuesOf('Environment').map((assignment) => assignment.split('=')[0]);
    expect(names.filter((name) => !Object.hasOwn(SETTINGS, name ?? ''))).toEqual([]);
    expect(unit).not.toMatch(/DISCORD_TOKEN=/);
  });
});

describe('the Kubernetes manifest', () => {
  const documents = parseAllDocuments(read('kubernetes.yaml'));
  const objects = documents.map((document) => document.toJS() as Manifest);
  const kinds: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
    Deployment,
    PersistentVolumeClaim,
    Secret,
    Service,
  };
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as DeploymentManifest;
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;

  it('is YAML without errors or warnings', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  });

  it.each(objects.map((object): [string, Manifest] => [object.kind, object]))(
    '%s is valid by the schema',
    (kind, object) => {
      const Model = kinds[kind];
      if (Model === undefined) throw new Error(`${kind}: no schema is at hand`);
      const { tracked, unread } = trackReads(new Model(object as never));
      new Model(tracked as never).validate();
      // Schemas of Kubernetes allow any field beside theirs, but never look at it.
      expect(unread()).toEqual([]);
    },
  );

  it('has a schema that would find what is wrong', () => {
    const validate = (spec: object) =>
      new Deployment({ ...deployment, spec: { ...deployment.spec, ...spec } } as never).validate();
    expect(() => validate({ replicas: 'one' })).toThrow(/replicas must be integer/);
    expect(() => validate({ selector: undefined })).toThrow(/selector/);
    const { tracked, unread } = trackReads(
      new Deployment({ ...deployment, spec: { ...deployment.spec, replcas: 1 } } as never),
    );
    Deployment.prototype.validate.call(tracked as never);
    expect(unread()).toEqual(['spec.replcas']);
  });

  it('never runs two masters on one volume', () => {
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    const claim = objects.find(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(pod.volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: claim?.metadata.name } });
    const mount = container.volumeMounts.find(({ name }) => name === 'data');
    expect(container.env).toContainEqual({ name: 'DATA_DIR', value: mount?.mountPath });
  });

  it('leaves the time that a stop takes', () => {
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(STOP_SECONDS);
  });

  it('asks for what the admin API has, and lets a bot that waits for its logins live', () => {
    const open: (keyof AdminApi)[] = ['GET /healthz', 'GET /readyz'];
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const asked = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => `GET ${httpGet.path}`);
    expect(asked).toEqual([open[0], open[0], open[1]]);
    const port = container.ports.find(({ name }) => name === startupProbe.httpGet.port);
    expect(container.env).toContainEqual({ name: 'ADMIN_PORT', value: String(port?.containerPort) });
  });

  it('names labels, settings and programs that there are', () => {
    expect(deployment.spec.selector.matchLabels).toEqual(deployment.spec.template.metadata.labels);
    const service = objects.find(({ kind }) => kind === 'Service') as { spec?: { selector?: object } } | undefined;
    expect(service?.spec?.selector).toEqual(deployment.spec.template.metadata.labels);
    const secret = objects.find(({ kind }) => kind === 'Secret') as unknown as { stringData: Record<string, string> };
    const names = [...container.env.map(({ name }) => name), ...Object.keys(secret.stringData)];
    expect(names.filter((name) => !Object.hasOwn(SETTINGS, name))).toEqual([]);
    const accepts = (name: keyof typeof SETTINGS): boolean =>
      SETTINGS[name].schema.safeParse(secret.stringData[name]).success;
    expect(accepts('DISCORD_TOKEN')).toBe(true);
    // What everybody can read here would let everybody in: the bot does not start until it was replaced.
    expect(accepts('ADMIN_TOKEN')).toBe(false);
    expectBuilt(container.command);
  });

  it('gives the pod no more than it needs', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});

it('nothing that is deployed is built by the pod or the service', () => {
  const all = execFileSync('cat', ['kallisti.service', 'kubernetes.yaml'], { cwd: DEPLOY, encoding: 'utf8' });
  expect(all.match(/^[^#\n]*npm/gm)).toBeNull();
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/** What of the manifest is looked at below; the rest is the schema's. */
interface DeploymentManifest extends Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly volumes: readonly object[];
        readonly containers: readonly [
          {
            readonly command: readonly string[];
            readonly env: readonly { readonly name: string; readonly value: string }[];
            readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
            readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
            readonly securityContext: object;
            readonly startupProbe: Probe;
            readonly livenessProbe: Probe;
            readonly readinessProbe: Probe;
          },
        ];
      };
    };
  };
}

/** Wraps data so that afterwards it can be said which of its fields nobody has read. */
function trackReads(data: object): { readonly tracked: object; readonly unread: () => string[] } {
  const seen = new Set<string>();
  const wrap = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    return new Proxy(value, {
      get(target, key) {
        const found: unknown = Reflect.get(target, key);
        if (typeof key !== 'string' || !Object.hasOwn(target, key)) return found;
        seen.add(`${path}${key}`);
        return wrap(found, `${path}${key}.`);
      },
    });
  };
  const fieldsOf = (value: unknown, path: string): string[] =>
    typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([key, field]) => [`${path}${key}`, ...fieldsOf(field, `${path}${key}.`)]);
  return { tracked: wrap(data, '') as object, unread: () => fieldsOf(data, '').filter((field) => !seen.has(field)) };
}

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { usageOf } from '../src/cluster/commands/parsing/options.js';
import { createCommands } from '../src/cluster/index.js';
import { ERROR_CODES } from '../src/core/errors.js';
import { SETTINGS } from '../src/core/settings/settings.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLES = 'test/fixtures/readme';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map(inDocs),
];

function inDocs(name: string): string {
  return `docs/${name}`;
}

const manifest = JSON.parse(read('package.json')) as { version: string; scripts: Record<string, string> };

/** The cells of a row; none where the line is not one. */
function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** The rows of the table with this header, without the header. */
function tableOf(text: string, ...header: string[]): string[][] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => isDeepStrictEqual(cellsOf(line), header));
  expect(at, `the table ${header.join(', ')}`).toBeGreaterThanOrEqual(0);
  const rest = lines.slice(at + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return (end < 0 ? rest : rest.slice(0, end)).map(cellsOf);
}

/** The contents of the fenced blocks of a language. */
function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].flatMap(([, found, body]) =>
    found === language ? [body ?? ''] : [],
  );
}

describe('the tables are those of the code', () => {
  it('commands of the command line, in the README', () => {
    const names = readdirSync(join(ROOT, 'src/cli/commands')).map((file) => file.replace('.ts', ''));
    const cells = tableOf(read('README.md'), 'Command', 'What it does').map(([command = '']) => command);
    const shown = cells.flatMap((cell) => [...cell.matchAll(/`([a-z]+)/g)].map(([, name]) => name));
    expect(shown.toSorted()).toEqual(names.toSorted());
  });

  it('settings, in the README', () => {
    const expected = Object.entries(SETTINGS).map(([name, setting]) => [
      `\`${name}\``,
      setting.default === undefined ? '' : `\`${setting.default}\``,
      setting.doc.join(' '),
    ]);
    expect(tableOf(read('README.md'), 'Setting', 'Default', 'What it is')).toEqual(expected);
  });

  it('commands, in the README', () => {
    const commands = createCommands({ evaluate: () => Promise.reject(new Error('not called')) });
    const expected = commands.map((command) => [
      `\`${usageOf(command)}\``,
      command.ownerOnly === true ? 'owners' : 'everybody',
      command.definition.description,
    ]);
    expect(tableOf(read('README.md'), 'Command', 'Who', 'What it does')).toEqual(expected);
  });

  it('errors, in docs/errors.md', () => {
    const expected = Object.entries(ERROR_CODES).map(([code, { retryable, meaning }]) => [
      `\`${code}\``,
      retryable ? 'yes' : 'no',
      meaning,
    ]);
    expect(tableOf(read('docs/errors.md'), 'Code', 'Retry', 'Meaning')).toEqual(expected);
  });
});

describe("the README's examples", () => {
  it('are the programs that are compiled and run by tests', () => {
    const examples = readdirSync(join(ROOT, EXAMPLES)).map((name) => read(`${EXAMPLES}/${name}`));
    const shown = blocksOf(read('README.md'), 'ts');
    expect(shown.sort()).toEqual(examples.sort());
  });
});

describe.each(DOCUMENTS)('%s', (path) => {
  const text = read(path);

  it('links to files and headings that exist', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target]) => target ?? '');
    const broken = targets.filter((target) => {
      const [file = '', heading] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      return !existsSync(join(ROOT, linked)) || (heading !== undefined && !anchorsOf(read(linked)).includes(heading));
    });
    expect(broken).toEqual([]);
  });

  it('names only scripts, and files of this project, that exist', () => {
    const scripts = [...text.matchAll(/\bnpm (?:run )?([a-z]+)/g)].map(([, name]) => name ?? '');
    const known = new Set([...Object.keys(manifest.scripts), 'ci', 'install']);
    expect(scripts.filter((name) => !known.has(name))).toEqual([]);

    const files = [...text.matchAll(/`((?:src|test|docs|bench|\.ci)\/[\w./-]*)`/g)].map(([, name]) => name ?? '');
    expect(files.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it('says nothing of the machine that it was written on', () => {
    expect(text).not.toMatch(/\/(?:work|home|root|tmp)\//);
  });
});

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

it('the changelog has the version of package.json', () => {
  expect(read('CHANGELOG.md')).toMatch(new RegExp(`^## ${manifest.version.replaceAll('.', '\\.')}\\b`, 'm'));
});

it('CI installs from the lockfile, checks, and runs the tests as the README says', () => {
  const steps = [...read('.ci/run').matchAll(/^step (npm [^-\n]*)/gm)].map(([, command]) => command?.trim());
  // The last two are the two halves of `npm test`.
  expect(steps).toEqual(['npm ci', 'npm run check', 'npm run test:unit', 'npm run test:processes']);
  expect(statSync(join(ROOT, '.ci/run')).mode & 0o111).toBe(0o111);
  expect(read('README.md')).toContain('npm ci && npm test');
});

import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Which folders of src a folder may import from, besides itself. docs/architecture.md says why. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  entrypoints: ['master', 'cluster', 'cli', 'simulator', 'core'],
  master: ['core'],
  cluster: ['core'],
  // These two run outside of the master, and speak to it over the admin API alone.
  cli: ['core'],
  page: ['core'],
  // It must not share our mistakes.
  simulator: [],
  core: [],
};

/** The browser gets the files of the page and no others. It may know the types of the contracts, which are comments there. */
const PAGE_MAY_KNOW = 'src/core/contracts/';

/** Rooms of `core` that serve any program with worker processes, a bot or not. */
const KNOWS_NO_DISCORD = /^src\/core\/(?:ipc|worker|time)\//;

/** Libraries that speak to Discord. Their types count too: a room that is built on their types is built on the library. */
const CLIENT_LIBRARY = /^(?:eris|discord\.js|oceanic\.js|@projectdysnomia\/dysnomia|@discordjs\/[^/]+)(?:\/|$)/;

/**
 * Where a client library may be known: an adapter knows its own, and the master's REST client is an eris that never connects.
 */
const CLIENT_LIBRARY_ROOMS: readonly (readonly [room: string, library: RegExp])[] = [
  ['src/cluster/clients/eris/', /^eris(?:\/|$)/],
  ['src/cluster/clients/discordjs/', /^discord\.js$/],
  ['src/cluster/clients/dysnomia/', /^@projectdysnomia\/dysnomia$/],
  ['src/cluster/clients/oceanic/', /^oceanic\.js$/],
  ['src/master/discord/', /^eris$/],
];

/** Types of Discord's API: for those that speak to it. */
const DISCORD_TYPES = /^discord-api-types(?:\/|$)/;

/** Files outside src/entrypoints, and what of the process they may use. */
const MAY_USE_PROCESS: Readonly<Record<string, readonly string[]>> = {
  // It finds workers beside the running program.
  'src/core/worker/entrypoint.ts': ['argv'],
  // An entry point is made of it, here and in a bot of its own.
  'src/master/runMaster.ts': ['argv', 'exit'],
};

interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** @returns one line for each place where a file breaks the rules. */
function violationsOf({ path, text }: SourceFile, dependencies: ReadonlySet<string>): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const layer = path.split('/')[1] ?? '';
  const allowed = MAY_IMPORT[layer];
  if (allowed === undefined) return [`${path}: src/${layer} is not a known layer`];
  return [
    ...importsOf(source).flatMap((found) => importViolation(path, layer, allowed, found, dependencies) ?? []),
    ...(layer === 'entrypoints' ? [] : processUses(source)).flatMap((use) =>
      MAY_USE_PROCESS[path]?.includes(use) ? [] : [`${path}: process.${use} belongs in src/entrypoints`],
    ),
  ];
}

function importViolation(
  path: string,
  layer: string,
  allowed: readonly string[],
  { specifier, typeOnly }: Import,
  dependencies: ReadonlySet<string>,
): string | undefined {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier);
    const targetLayer = target.startsWith('src/') ? target.split('/')[1] : undefined;
    if (KNOWS_NO_DISCORD.test(path) && target.startsWith('src/core/discord/')) return `${path}: must not know Discord`;
    if (layer === 'page' && targetLayer !== layer && !(typeOnly && target.startsWith(PAGE_MAY_KNOW))) {
      return `${path}: the browser does not get ${target}`;
    }
    if (targetLayer === layer || (targetLayer !== undefined && allowed.includes(targetLayer))) return undefined;
    return `${path}: ${layer} must not import ${target}`;
  }
  if (layer === 'page') return `${path}: the browser has no ${specifier}`;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (name === 'kallisti') return `${path}: imports its own package, use a relative path`;
  if (CLIENT_LIBRARY.test(specifier)) {
    const mayKnow = CLIENT_LIBRARY_ROOMS.some(([room, library]) => path.startsWith(room) && library.test(specifier));
    return mayKnow ? undefined : `${path}: only an adapter in src/cluster/clients knows ${name}`;
  }
  if (DISCORD_TYPES.test(specifier) && layer === 'core' && !path.startsWith('src/core/discord/')) {
    return `${path}: must not know Discord`;
  }
  if (specifier.startsWith('node:') || builtinModules.includes(name) || dependencies.has(name)) return undefined;
  // Types alone are gone at run time.
  return typeOnly ? undefined : `${path}: ${name} is not among the dependencies that a user gets`;
}

/** Static, dynamic and type imports, and exports from another file. */
function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, typeOnly: boolean): void => {
    if (node !== undefined && ts.isStringLiteralLike(node)) found.push({ specifier: node.text, typeOnly });
  };
  walk(source, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isJSDocImportTag(node)) add(node.moduleSpecifier, true);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const required = ts.isIdentifier(expression) && expression.text === 'require';
      if (required || expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
    }
  });
  return found;
}

/** `process.exit`, `process.argv`, `globalThis.process.exit`, `const { exit } = process`, `import { exit } from 'node:process'`. */
function processUses(source: ts.SourceFile): string[] {
  const uses: string[] = [];
  const note = (name: string): void => {
    if (name === 'exit' || name === 'reallyExit' || name === 'argv') uses.push(name);
  };
  const isProcess = (node: ts.Node | undefined): boolean =>
    node !== undefined &&
    ((ts.isIdentifier(node) && node.text === 'process') ||
      (ts.isPropertyAccessExpression(node) && node.name.text === 'process'));
  walk(source, (node) => {
    if (ts.isPropertyAccessExpression(node) && isProcess(node.expression)) note(node.name.text);
    if (
      ts.isElementAccessExpression(node) &&
      isProcess(node.expression) &&
      ts.isStringLiteralLike(node.argumentExpression)
    ) {
      note(node.argumentExpression.text);
    }
    if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && isProcess(node.initializer)) {
      for (const element of node.name.elements) note((element.propertyName ?? element.name).getText(source));
    }
    if (ts.isImportDeclaration(node) && /^['"](?:node:)?process['"]$/.test(node.moduleSpecifier.getText(source))) {
      const names = node.importClause?.namedBindings;
      if (names !== undefined && ts.isNamedImports(names)) {
        for (const element of names.elements) note((element.propertyName ?? element.name).text);
      }
    }
  });
  return uses;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  // The types of plain JavaScript are in its comments.
  for (const comment of ts.getJSDocCommentsAndTags(node)) if (comment.parent === node) walk(comment, visit);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function readSources(): SourceFile[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[jt]s$/.test(file))
    .map((file) => `src/${file.replaceAll('\\', '/')}`)
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

function readDependencies(): Set<string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object };
  return new Set(Object.keys(manifest.dependencies));
}

describe('the source', () => {
  it('imports in one direction, leaves the process to the entry points, and uses only what a user gets installed', () => {
    const dependencies = readDependencies();
    const sources = readSources();
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap((file) => violationsOf(file, dependencies))).toEqual([]);
  });
});

describe('the rules', () => {
  const dependencies = new Set(['eris', 'pino', 'ws']);

  it.each([
    ['src/master/A.ts', `import { B } from '../cluster/B.js';`],
    ['src/master/A.ts', `import type { B } from '../cluster/B.js';`],
    ['src/master/events/A.ts', `export * from '../../cluster/B.js';`],
    ['src/cluster/A.ts', `const b = await import('../master/B.js');`],
    ['src/cluster/A.ts', `let b: import('../master/B.js').B;`],
    ['src/cluster/A.ts', `import '../entrypoints/cluster.js';`],
    ['src/cluster/A.ts', `import '../../bench/run.js';`],
    ['src/master/A.ts', `import { Client } from 'eris';`],
    ['src/master/discord/DiscordApi.ts', `import { Shard } from 'eris/lib/gateway/Shard';`],
    ['src/cluster/commands/A.ts', `import { Constants } from 'eris';`],
    ['src/cluster/commands/A.ts', `import type { Client } from 'eris';`],
    ['src/cluster/gateway/A.ts', `import type { RawPacket } from 'eris';`],
    ['src/cluster/clients/eris/A.ts', `import { Client } from 'discord.js';`],
    ['src/cluster/clients/discordjs/A.ts', `import { Client } from 'eris';`],
    ['src/cluster/clients/discordjs/A.ts', `import { WebSocketShard } from '@discordjs/ws';`],
    ['src/cluster/clients/A.ts', `import { Client } from 'discord.js';`],
    ['src/cluster/clients/erisLike/A.ts', `import type { Client } from 'eris';`],
    ['src/cluster/clients/erisLike/A.ts', `import type { Client } from '@projectdysnomia/dysnomia';`],
    ['src/cluster/clients/dysnomia/A.ts', `import { Client } from 'eris';`],
    ['src/cluster/clients/eris/A.ts', `import { Client } from '@projectdysnomia/dysnomia';`],
    ['src/cluster/clients/oceanic/A.ts', `import { Client } from '@projectdysnomia/dysnomia/lib/Client.js';`],
    ['src/cluster/A.ts', `import type { Client } from 'oceanic.js';`],
    ['src/core/worker/A.ts', `import { shardIdOf } from '../discord/shardIdOf.js';`],
    ['src/core/ipc/A.ts', `import type { X } from '../discord/packets.js';`],
    ['src/core/time/A.ts', `import { X } from '../discord/limits.js';`],
    ['src/cli/A.ts', `import { Master } from '../master/Master.js';`],
    ['src/cli/commands/A.ts', `import type { Admin } from '../../master/admin/Admin.js';`],
    ['src/page/a.js', `import { duration } from '../core/text/measures.js';`],
    ['src/page/a.js', `import { X } from '../core/contracts/AdminApi.js';`],
    ['src/page/a.js', `/** @import { X } from '../master/Master.js' */`],
    ['src/page/a.js', `/** @type {import('../core/text/measures.js').X} */ let x;`],
    ['src/page/a.js', `import { Client } from 'eris';`],
    ['src/page/a.js', `import { join } from 'node:path';`],
    ['src/simulator/A.ts', `import { createLogger } from '../core/logger.js';`],
    ['src/simulator/A.ts', `import { Client } from 'eris';`],
    ['src/core/A.ts', `import { B } from '../master/B.js';`],
    ['src/core/A.ts', `import type { Client } from 'eris';`],
    ['src/core/A.ts', `import { Routes } from 'discord-api-types/v10';`],
    ['src/core/A.ts', `import { B } from 'kallisti';`],
    ['src/core/A.ts', `import { z } from 'not-installed/sub';`],
    ['src/core/A.ts', `import { z } from '@scope/not-installed/sub';`],
    ['src/core/A.ts', `const { z } = require('not-installed');`],
    ['src/helpers/A.ts', ``],
    ['src/A.ts', ``],
    ['src/core/A.ts', `process.exit(1);`],
    ['src/master/A.ts', `globalThis.process.exit(1);`],
    ['src/master/A.ts', `process['exit'](1);`],
    ['src/master/A.ts', `const { exit: leave } = process;`],
    ['src/cluster/A.ts', `import { argv } from 'node:process';`],
    ['src/cluster/A.ts', `const file = process.argv[1];`],
    ['src/core/worker/entrypoint.ts', `process.exit(process.argv.length);`],
    ['src/master/Master.ts', `process.exit(1);`],
    ['src/master/upgrade/MasterRun.ts', `process.exit(1);`],
    ['src/master/runMaster.ts', `process.reallyExit(1);`],
  ])('refuse in %s: %s', (path, text) => {
    expect(violationsOf({ path, text }, dependencies)).toHaveLength(1);
  });

  it.each([
    [
      'src/entrypoints/master.ts',
      `import { M } from '../master/M.js'; import { S } from '../simulator/S.js'; process.exit(1);`,
    ],
    [
      'src/cluster/clients/eris/A.ts',
      `import { Client } from 'eris'; import { B } from '../../B.js'; import { C } from '../../../core/C.js';`,
    ],
    [
      'src/cluster/clients/dysnomia/A.ts',
      `import { Client } from '@projectdysnomia/dysnomia'; import { A } from '../erisLike/A.js';`,
    ],
    ['src/cluster/clients/oceanic/A.ts', `import { Client } from 'oceanic.js';`],
    ['src/core/A.ts', `import { readFile } from 'node:fs/promises'; import { pino } from 'pino'; import './ipc/B.js';`],
    ['src/simulator/A.ts', `import { WebSocketServer } from 'ws'; import type { X } from 'discord-api-types/v10';`],
    ['src/master/discord/DiscordApi.ts', `import { Client } from 'eris';`],
    ['src/core/discord/A.ts', `import type { X } from 'discord-api-types/v10';`],
    ['src/core/settings/A.ts', `import { X } from '../discord/limits.js';`],
    ['src/cli/A.ts', `import { X } from '../core/contracts/AdminApi.js';`],
    ['src/page/a.js', `/** @import { X } from '../core/contracts/AdminApi.js' */ import { get } from './dom.js';`],
    ['src/core/worker/entrypoint.ts', `const program = process.argv[1];`],
    ['src/master/runMaster.ts', `spawn(process.argv[1]); process.exit(1);`],
    ['src/core/A.ts', `// process.exit(1); import '../master/B.js'\nconst text = "process.exit";`],
    ['src/core/A.ts', `process.on('exit', () => undefined); process.exitCode = 1; other.exit();`],
  ])('allow in %s: %s', (path, text) => {
    expect(violationsOf({ path, text }, dependencies)).toEqual([]);
  });
});

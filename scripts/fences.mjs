// The fences between the rooms of this project, as a rule of the linter: what a file may import, by the folder it is
// in. Imports that a room does not list are forbidden, so a new folder has no rights until it gets some.
import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path/posix';

/** Rooms that know nothing of this project but what both sides speak. */
const LOW = ['src/contract', 'src/files'];
const DOMAIN = [...LOW, 'src/config', 'src/crypto', 'src/vault', 'src/consul', 'src/repository', 'src/*'];

/**
 * By path, the longest that fits decides. `imports`: folders, `x/*` for the files right in x. `types`: these as types only.
 * `builtins`: which of Node's modules, true for all. `temporal`: packages of Temporal's SDK. `only`: no other package.
 */
const ROOMS = {
  workflows: {
    why: "workflows run in Temporal's sandbox, and share src/contract with the rest",
    imports: ['workflows', 'src/contract'],
    types: ['activities'],
    builtins: [],
    temporal: ['@temporalio/workflow', '@temporalio/common'],
    only: [],
  },
  activities: {
    why: 'what both machines share knows neither of them',
    imports: ['activities/*', ...LOW],
    types: ['src/repository'],
    builtins: true,
    temporal: ['@temporalio/activity', '@temporalio/common'],
  },
  'activities/controller': {
    why: 'these steps run on the controller, which touches no Vault host',
    imports: [
      'activities/*',
      'activities/controller',
      ...DOMAIN,
      'src/notify',
      'src/plan',
      'src/ready',
      'src/kit',
      'src/guard',
      'src/audit',
      'src/report',
    ],
    builtins: true,
    temporal: ['@temporalio/activity'],
  },
  'activities/node': {
    why: 'these steps run on a Vault host',
    imports: ['activities/*', 'activities/node', ...DOMAIN, 'src/plan', 'src/host'],
    builtins: true,
    temporal: ['@temporalio/activity'],
  },
  'activities/sandbox': {
    why: 'these steps run on a sandbox host, which touches no Vault but its own',
    imports: [
      'activities/*',
      'activities/sandbox',
      ...DOMAIN,
      'src/sandbox',
      'src/recover/recover',
      'src/plan/drill-verdict',
      'src/plan/hash',
      'src/host/run/agent-key-file',
      'src/host/run/run-identity',
      'src/host/run/share-verdict',
    ],
    builtins: true,
    temporal: ['@temporalio/activity'],
  },
  src: {
    why: 'what stands right in src is used by all',
    imports: ['src/*', 'src/contract'],
    builtins: true,
    temporal: [],
  },
  'src/contract': {
    why: 'the contract is pure and depends on nothing',
    imports: ['src/contract'],
    types: ['src/catalogue'],
    builtins: [],
    temporal: [],
    only: ['zod'],
  },
  'src/catalogue': {
    why: 'it explains codes, and decides nothing',
    imports: ['src/catalogue', 'src/contract'],
    builtins: [],
    temporal: [],
    only: [],
  },
  'src/plan': {
    why: 'decisions are pure functions over the contract',
    imports: ['src/plan', 'src/contract'],
    types: ['src/catalogue'],
    builtins: ['crypto'],
    temporal: [],
    only: [],
  },
  'src/files': { why: 'it is the lowest room', imports: LOW, builtins: true, temporal: [] },
  'src/config': {
    why: 'it only reads',
    imports: ['src/config', 'src/crypto/ssh-signature', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/crypto': {
    why: 'it knows no servers and no hosts',
    imports: ['src/crypto', ...LOW],
    types: ['src/config'],
    builtins: true,
    temporal: [],
  },
  'src/vault': {
    why: 'it knows Vault, and nothing of hosts or repositories',
    imports: ['src/vault', 'src/config', 'src/crypto', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/consul': {
    why: 'it knows Consul, in which Vault may store, and nothing of hosts or repositories',
    imports: ['src/consul', 'src/config', 'src/vault', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/repository': {
    why: 'it works wherever a repository is reached from',
    imports: ['src/repository', 'src/config', 'src/crypto', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/audit': {
    why: 'the trail stands on files and repositories alone',
    imports: ['src/audit', 'src/repository', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/notify': {
    why: 'it tells people what it is given',
    imports: ['src/notify', 'src/config', ...LOW, 'src/*'],
    builtins: true,
    temporal: [],
  },
  'src/paper': {
    why: 'it prints what it is given',
    imports: ['src/paper', 'src/contract', 'src/*'],
    builtins: [],
    temporal: [],
    only: ['pdfkit', 'dejavu-fonts-ttf'],
  },
  'src/kit': {
    why: 'it makes pages of facts that others have gathered',
    imports: [
      'src/kit',
      'src/config/load',
      'src/config/public-keys',
      'src/crypto/encryption',
      'src/vault/reach/certificate',
      'src/repository/restore-md',
      'src/paper/paper',
      'src/contract',
      'src/*',
    ],
    types: ['src/config'],
    builtins: ['crypto'],
    temporal: [],
    only: [],
  },
  'src/web': {
    why: 'it writes pages from what it is given, and shares its decisions with them',
    imports: ['src/web/*', 'src/contract'],
    builtins: ['crypto'],
    temporal: [],
    only: ['qr'],
  },
  'src/web/pages': {
    why: 'it lays out what it is given, on the server and in the browser',
    imports: ['src/web/*', 'src/web/pages', 'src/contract'],
    builtins: [],
    temporal: [],
    only: ['preact'],
  },
  'src/web/server': {
    why: 'it asks Temporal and repositories, and serves pages; it touches no host',
    imports: [
      'src/web/*',
      'src/web/server',
      'src/web/pages',
      'src/web/login',
      'src/temporal',
      ...DOMAIN,
      'src/metrics',
      'src/ready',
      'src/plan/hash',
      'src/plan/subject-to-sign',
      'src/*',
    ],
    builtins: true,
    temporal: ['@temporalio/client'],
  },
  'src/web/login': {
    why: 'it finds out who somebody is, and what they may do',
    imports: ['src/web/*', 'src/web/login', 'src/config', ...LOW, 'src/*'],
    builtins: true,
    temporal: [],
    only: ['openid-client', 'hono', '@hono', 'undici'],
  },
  'src/web/browser': {
    why: 'it runs in a browser, with a share in clear',
    imports: [
      'src/web/*',
      'src/web/browser',
      'src/web/pages',
      'src/contract',
      'src/crypto/envelope',
      'src/crypto/openpgp-text',
    ],
    builtins: [],
    temporal: [],
    only: ['@noble', 'preact', 'qr'],
  },
  'src/report': { why: 'it writes what it is given', imports: ['src/report', ...LOW], builtins: true, temporal: [] },
  'src/init': {
    why: 'it sets up from what a cluster says, and touches no host but its own files',
    imports: ['src/init', ...DOMAIN],
    builtins: true,
    temporal: [],
  },
  'src/sandbox': {
    why: 'it brings a backup up where it can reach nothing, without Temporal',
    imports: ['src/sandbox', 'src/plan/share-sets', ...DOMAIN],
    builtins: true,
    temporal: [],
  },
  'src/recover': {
    why: 'it reads from a sandbox and writes to a cluster, without Temporal',
    imports: ['src/recover', 'src/sandbox', 'src/config', 'src/vault', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/host': {
    why: 'only an agent touches a host, and it does so without Temporal',
    imports: ['src/host', 'src/config', 'src/crypto', 'src/vault', ...LOW, 'src/*'],
    builtins: true,
    temporal: [],
  },
  'src/install': {
    why: 'it writes unit files, and knows only the configuration',
    imports: ['src/install', 'src/config', ...LOW, 'src/*'],
    builtins: true,
    temporal: [],
  },
  'src/doctor': {
    why: 'it judges facts that others have gathered',
    imports: ['src/doctor', 'src/contract'],
    types: ['src/catalogue'],
    builtins: [],
    temporal: [],
    only: [],
  },
  'src/ready': {
    why: 'it judges facts that others have gathered, and a plan made from them',
    imports: ['src/ready', 'src/plan', 'src/catalogue', 'src/contract'],
    builtins: [],
    temporal: [],
    only: [],
  },
  'src/evidence': {
    why: 'it weighs what others have gathered, and says it on paper',
    imports: [
      'src/evidence',
      'src/paper/paper',
      'src/ready/recovery-time',
      'src/crypto/approvals',
      'src/repository/keep',
      'src/contract',
    ],
    types: ['src/audit', 'src/ready'],
    builtins: [],
    temporal: [],
    only: ['zod'],
  },
  'src/guard': {
    why: 'it judges facts that others have gathered',
    imports: ['src/guard', 'src/contract'],
    builtins: [],
    temporal: [],
    only: [],
  },
  'src/metrics': {
    why: 'it says in numbers what it is given, or what repositories hold',
    imports: ['src/metrics', 'src/config', 'src/repository', ...LOW],
    builtins: [],
    temporal: [],
    only: [],
  },
  'src/enrol': {
    why: 'both hosts of an enrolment use it: it knows messages and texts, and neither hosts nor Temporal',
    imports: ['src/enrol', 'src/config', 'src/crypto', ...LOW],
    builtins: true,
    temporal: [],
  },
  'src/ssh': {
    why: 'it is both ends of a connection to a host without an agent: there it does what an agent does',
    imports: ['src/ssh', 'activities', 'src/host', 'src/config', ...LOW, 'src/*'],
    builtins: true,
    temporal: ['@temporalio/activity', '@temporalio/common'],
  },
  'src/temporal': {
    why: 'it assembles the workers',
    imports: [
      'src/temporal',
      'src/ssh',
      'activities',
      'workflows',
      ...LOW,
      'src/config',
      'src/repository',
      'src/metrics',
      // Of what it connects with.
      'src/vault/reach/certificate-validity',
      'src/*',
    ],
    builtins: true,
    temporal: true,
  },
  'src/cli': {
    why: 'a command asks Temporal and repositories; it touches no host, and the lab is no part of the product',
    imports: [
      'src/cli',
      'src/catalogue',
      'src/temporal',
      'src/doctor',
      'src/enrol',
      'src/notify',
      ...DOMAIN,
      'src/plan',
      'src/guard',
      'src/audit',
      'src/report',
      'src/evidence',
      'src/kit',
      'src/ready/policy',
      'src/paper',
      'src/metrics',
      'src/install',
      'src/init',
      'src/web/*',
      'src/web/server',
      'src/web/login',
    ],
    builtins: true,
    temporal: ['@temporalio/client'],
  },
  'src/lab': {
    why: 'the lab uses the product as its users do; it knows neither its commands nor its hosts',
    imports: ['src/lab', 'src/temporal', ...DOMAIN],
    builtins: true,
    temporal: ['@temporalio/client'],
  },
};

/** Files that may enter one more room. */
const DOORS = {
  'src/temporal/agent.ts': ['src/host'],
  'src/temporal/sandbox.ts': ['src/host', 'src/sandbox/probe', 'src/crypto/agent-key'],
  'src/cli/bundle.ts': ['src/host'],
  'src/cli/doctor/agent.ts': ['src/host'],
  'src/cli/drill.ts': ['src/sandbox'],
  'src/cli/drill-mark.ts': ['src/sandbox/sandbox'],
  'src/cli/recover.ts': ['src/recover'],
  'src/cli/recover-live.ts': ['src/recover'],
  'src/cli/recover-request.ts': ['src/recover'],
  'src/cli/doctor/controller.ts': ['src/ssh'],
  'src/cli/enrol/host-side.ts': ['src/host'],
  'src/cli/host-step.ts': ['src/ssh'],
  'src/cli/install-ssh.ts': ['src/ssh'],
  'src/cli/worker.ts': ['src/host'],
  'src/cli/lab.ts': ['src/lab'],
};

/** Any path in a package of Temporal's SDK but the package itself. */
const DEEP = /^@temporalio\/[^/]+\/./;

/**
 * @param file path from the root of the project, with slashes
 * @param specifier as it stands in the import
 * @param typeOnly nothing of it is left when the program runs
 * @returns why the import is forbidden, or null
 */
export function forbidden(file, specifier, typeOnly) {
  if (DEEP.test(specifier)) return `'${specifier}' is inside of a package of Temporal's SDK and may change any day.`;
  const name = roomOf(file);
  if (name === null) return null;
  const room = ROOMS[name];
  if (specifier.startsWith('.')) return wrongRoom(file, name, join(dirname(file), specifier), typeOnly);
  const because = `${name}: ${room.why}.`;
  if (isBuiltin(specifier)) {
    const known = room.builtins === true || room.builtins.includes(specifier.replace(/^node:/, ''));
    return known ? null : `'${specifier}' is not for this room. ${because}`;
  }
  if (specifier.startsWith('@temporalio/')) {
    const known = room.temporal === true || room.temporal.includes(specifier);
    return known ? null : `'${specifier}' is not for this room. ${because}`;
  }
  const free = typeOnly || room.only === undefined || room.only.includes(specifier.split('/')[0]);
  return free ? null : `'${specifier}' is not for this room. ${because}`;
}

function wrongRoom(file, name, target, typeOnly) {
  const { imports, types = [], why } = ROOMS[name];
  const allowed = [...imports, ...(DOORS[file] ?? []), ...(typeOnly ? types : [])];
  if (allowed.some((pattern) => fits(pattern, target))) return null;
  return `${target} can't be imported from here. ${name}: ${why}.`;
}

function roomOf(file) {
  const rooms = Object.keys(ROOMS).filter((room) => file.startsWith(`${room}/`));
  return rooms.toSorted((left, right) => right.length - left.length)[0] ?? null;
}

function fits(pattern, target) {
  // A file right in the folder has no file of its name as a folder beside it but by an index, which is a room of its own.
  if (pattern.endsWith('/*')) return dirname(target) === pattern.slice(0, -2) && !(target in ROOMS);
  return target === pattern || target.startsWith(`${pattern}/`);
}

const fence = {
  meta: { type: 'problem', docs: { description: 'keeps each room to what it may import' }, schema: [] },
  create(context) {
    const file = relative(context.cwd.split('\\').join(sep), context.filename.split('\\').join(sep));
    const check = (node, source, typeOnly) => {
      // A computed import can't be checked, so it is forbidden in a room with a fence.
      if (typeof source?.value !== 'string') return;
      const message = forbidden(file, source.value, typeOnly);
      if (message !== null) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source, isTypeOnly(node.importKind, node.specifiers, 'importKind')),
      ExportNamedDeclaration: (node) =>
        node.source && check(node, node.source, isTypeOnly(node.exportKind, node.specifiers, 'exportKind')),
      ExportAllDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source, false),
      TSImportType: (node) => check(node, node.source, true),
      TSExternalModuleReference: (node) => check(node, node.expression, false),
      CallExpression: (node) => {
        const { callee } = node;
        const isRequire =
          callee.name === 'require' ||
          (callee.object?.name === 'require' && callee.property?.name === 'resolve') ||
          (callee.object?.name === 'process' && callee.property?.name === 'getBuiltinModule');
        if (isRequire) check(node, node.arguments[0], false);
      },
    };
  },
};

function isTypeOnly(kind, specifiers, key) {
  return kind === 'type' || (specifiers.length > 0 && specifiers.every((item) => item[key] === 'type'));
}

// The linter takes a plugin by its default export.
// oxlint-disable-next-line import/no-default-export
export default { meta: { name: 'rooms' }, rules: { fence } };

import { readFileSync } from 'node:fs';
import { createContext, runInContext, Script } from 'node:vm';
import { compiled } from '../../src/lab/project-root';

type Modules = Map<string, { exports: object }>;

/** As a worker of the SDK does it: what is loaded before the first run is shared, then frozen to any depth. */
function load(): { shared: Modules; own: Modules } {
  const [shared, own]: [Modules, Modules] = [new Map(), new Map()];
  let loading = shared;
  const context = createContext({
    assert: require('node:assert'),
    URL,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    AbortController,
    __webpack_module_cache__: new Proxy(
      {},
      {
        get: (_, name: string) => shared.get(name) ?? own.get(name),
        set: (_, name: string, module: { exports: object }) => loading.set(name, module) === loading,
      },
    ),
  });
  new Script(readFileSync(compiled('workflow-bundle.js'), 'utf8')).runInContext(context);
  runInContext('__TEMPORAL__.preloadModules()', context);
  loading = own;
  runInContext('__TEMPORAL__.importWorkflows(); __TEMPORAL__.importInterceptors()', context);
  return { shared, own };
}

const { shared, own } = load();

test('a run makes no schema of its own', () => {
  expect(shared.size).toBeGreaterThan(30);
  expect(own.size).toBeGreaterThan(30);
  expect([...own.keys()].filter((name) => name.includes('/zod/'))).toEqual([]);
  expect([...own].filter(([, { exports }]) => Object.values(exports).some(isSchema)).map(([name]) => name)).toEqual([]);
});

test('no schema or pattern that runs share is frozen, because it changes when it is used', () => {
  const seen = new Set<object>();
  const found = [...shared].filter(([, module]) => wouldFreeze(module, seen)).map(([name]) => name);
  expect(found).toEqual([]);
});

/** As `deepFreeze` of the SDK goes through them: not into functions, and not into what is frozen. */
function wouldFreeze(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value) || Object.isFrozen(value)) return false;
  seen.add(value);
  if (isSchema(value) || Object.prototype.toString.call(value) === '[object RegExp]') return true;
  return Object.getOwnPropertyNames(value).some((name) => wouldFreeze((value as Record<string, unknown>)[name], seen));
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

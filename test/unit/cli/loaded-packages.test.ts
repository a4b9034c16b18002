import type * as Commands from '../../../src/cli/commands';
import { program } from '../../../src/cli/commands';
import { flattened, treeOf } from '../../../src/cli/tree';

/** Each of them takes a tenth of a second or more. */
const LARGE = ['@aws-sdk/client-s3', '@temporalio/client', '@temporalio/worker', 'pino-pretty', 'yaml'];

/** Which of the large packages a program with this command loads. */
function loadedBy(name: string): string[] {
  const loaded: string[] = [];
  for (const large of LARGE) {
    jest.doMock(large, () => {
      loaded.push(large);
      return jest.requireActual<object>(large);
    });
  }
  jest.isolateModules(() => {
    (require('../../../src/cli/commands') as typeof Commands).program(name);
  });
  return loaded.toSorted();
}

const WHOLE = treeOf(program());
const ALL = WHOLE.children.map(({ path }) => path[1]!);

test.each<[string, string[]]>([
  ['explain', []],
  ['status', ['@temporalio/client']],
  ['restore', ['@temporalio/client']],
  ['approve', ['@temporalio/client']],
  ['backups', ['yaml']],
  ['agent', ['yaml']],
])('%s loads only the large packages that it needs', (name, expected) => {
  expect(loadedBy(name)).toEqual(expected);
});

test.each(ALL.filter((name) => name !== 'completion' && name !== 'help'))('%s is the same alone', (name) => {
  const alone = treeOf(program(name));
  const one = WHOLE.children.find(({ path }) => path[1] === name);

  expect(alone.children).toHaveLength(1);
  expect(flattened(alone).slice(1)).toEqual(flattened(one!));
});

test.each(['completion', 'help', 'generations', 'no-such-command'])('%s is loaded with every other command', (name) => {
  expect(treeOf(program(name))).toEqual(WHOLE);
});

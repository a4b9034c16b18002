import type { Content } from '../../../src/contract/method';
import { describeContent, methodText } from '../../../src/contract/voice/content-text';

const copy = { method: 'filesystem', storage: 'raft', node: 'vault-2', nodeId: 'vault-2', files: 2, lag: 0 } as const;
const raft = { index: 1_234 };

it.each<[Content | undefined, string, string | null]>([
  [undefined, 'raft', null],
  [
    copy,
    'filesystem, vault-2',
    'copy of the data of vault-2, stopped for it at raft index 1,234, not behind the leader',
  ],
  [{ ...copy, lag: 1 }, 'filesystem, vault-2', expect.stringMatching(/, 1 log entry behind the leader$/)],
  [{ ...copy, lag: 7 }, 'filesystem, vault-2', expect.stringMatching(/, 7 log entries behind the leader$/)],
  [{ ...copy, lag: null }, 'filesystem, vault-2', expect.stringMatching(/, how far behind the leader is unknown$/)],
  [{ ...copy, storage: 'file', lag: null }, 'filesystem, vault-2', 'copy of the files of vault-2, stopped for it'],
  [
    { method: 'consul', scope: 'all', path: 'vault/', consistency: 'stale', accessor: null, others: {} },
    'consul',
    "snapshot of Consul (stale) at its index 1,234, with Vault's keys below vault/",
  ],
])('a backup with the content %j is distinguished from a Raft snapshot', (content, method, text) => {
  expect(methodText({ content })).toBe(method);
  expect(describeContent({ content, raft })).toEqual(text);
});

import { numberInMap } from '../../../../src/vault/storage/msgpack';

/** Of `raft.db`, as Vault 1.21 wrote them: of a leader that has just been elected, and a command. */
const ELECTED =
  '86aa417070656e6465644174a875da4d7c6b06bd17a444617461c0aa457874656e73696f6e73c0a5496e64657802a45465726d02a45479706501';
const COMMAND =
  '86aa417070656e6465644174a89fe5c1d06b06bdc4a444617461da00680a6608011a627379732f6578706972652f69642f617574682f617070726f6c65' +
  '2f6c6f67696e2f6831613534376139353934623136306237366363613133396466303063356338643337646265383437666438323165396130636435' +
  '643039663836623666363536aa457874656e73696f6e73c0a5496e646578cd1133a45465726d08a45479706500';

const MANY = 3_000_000;

test.each([
  [ELECTED, 'Index', 2],
  [ELECTED, 'Term', 2],
  [ELECTED, 'Type', 1],
  [COMMAND, 'Index', 0x1133],
  [COMMAND, 'Term', 8],
  [COMMAND, 'Data', null],
  [COMMAND, 'Nothing', null],
])('in %s: %s', (message, key, value) => {
  expect(numberInMap(Buffer.from(message, 'hex'), key)).toBe(value);
});

test.each([
  ['a fixed number', '7f', 127],
  ['eight bits', 'ccff', 255],
  ['sixteen bits', 'cd0100', 256],
  ['thirty-two bits', 'ce00010000', 65536],
  ['sixty-four bits', 'cf0000000100000000', 4294967296],
])('reads a term of %s, behind texts, bytes and times of any size', (_size, number, value) => {
  const before = ['d90161', 'da000161', 'db0000000161', 'c40161', 'c5000161', 'c60000000161', 'c2', 'c3']
    .concat([`d6ff${'00'.repeat(4)}`, `d7ff${'00'.repeat(8)}`, `c70cff${'00'.repeat(12)}`])
    .map((element) => `a161${element}`);
  const message = Buffer.from(`8${(before.length + 1).toString(16)}${before.join('')}a45465726d${number}`, 'hex');

  expect(numberInMap(message, 'Term')).toBe(value);
});

test.each([
  ['nothing', ''],
  ['a text', 'a45465726d'],
  ['a list', '91a45465726d'],
  ['an entry that was cut', ELECTED.slice(0, 60)],
  ['an entry that ends before its number', '81a45465726d'],
  ['a text that is longer than the entry', '81da7fff'],
  ['a number that is cut', '81a45465726dcd11'],
  ['a list inside', '82a1619100a45465726d02'],
  ['a map inside', '82a16181a16200a45465726d02'],
  ['a map as a key', '8281a1620000a45465726d02'],
  ['an entry with something behind it', '81a45465726d0200'],
  ['an entry that was cut behind its number', ELECTED.slice(0, -4)],
  ['a negative number', '81a45465726dff'],
  ['a fraction', '81a45465726dca3fc00000'],
  ['a list of four billion', '82a161ddffffffffa45465726d02'],
  ['bytes of four billion', '82a161c6ffffffffa45465726d02'],
])('answers with null to %s', (_what, message) => {
  expect(numberInMap(Buffer.from(message, 'hex'), 'Term')).toBeNull();
});

test.each([
  ['values', Buffer.concat([Buffer.from('82a161', 'hex'), Buffer.alloc(MANY, '81a161', 'hex')])],
  ['keys', Buffer.alloc(MANY, 0x81)],
  ['lists', Buffer.concat([Buffer.from('82a161', 'hex'), Buffer.alloc(MANY, 0x91)])],
])('refuses what is nested in its %s a million times, before that takes memory', (_where, message) => {
  const before = process.memoryUsage().heapUsed;

  expect(numberInMap(message, 'Term')).toBeNull();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
});

test('takes no more of a command of megabytes than its number', () => {
  const data = Buffer.concat([Buffer.from('82a444617461db00800000', 'hex'), Buffer.alloc(0x800000, 0xff)]);

  expect(numberInMap(Buffer.concat([data, Buffer.from('a45465726d08', 'hex')]), 'Term')).toBe(8);
});

import { parseRecipients, type RecipientList, recipientsText } from '../../../src/contract/recipients';

const LIST: RecipientList = {
  cluster: 'prod',
  run: '01a22192-ab9d-7af0-9a77-262f824a3c3f',
  purpose: 'restore',
  recipients: ['vault-1', 'vault-2'].map((node) => ({
    node,
    recipient: `age1${'q'.repeat(58)}`,
    signature: `${'A'.repeat(86)}==`,
  })),
};
const { purpose: _, ...PROGRESS } = LIST;

describe('the recipients of a run, as a text', () => {
  it('are read as they were written, also with other blanks and words around them', () => {
    const text = recipientsText(LIST);

    expect(parseRecipients(text)).toEqual(LIST);
    expect(parseRecipients(`Hello,\r\n${text.replaceAll('\n', ' \r\n\t')}\r\nregards`)).toEqual(LIST);
    expect(parseRecipients(text.replaceAll('\n', ' '))).toEqual(LIST);
  });

  it.each([
    ['status --json', { ...PROGRESS, method: 'peers' }, 'restore'],
    ['the temporal CLI', { queryResult: [{ ...PROGRESS, method: 'snapshot' }] }, 'restore'],
    ['the Web UI', [{ ...PROGRESS, kind: 'roll-call' }], 'roll-call'],
    ['a drill', PROGRESS, 'drill'],
    ['single secrets', { ...PROGRESS, kind: 'recover' }, 'recover'],
  ])('are read from what %s prints', (_name, document, purpose) => {
    expect(parseRecipients(JSON.stringify(document))).toEqual({ ...LIST, purpose });
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'nor whole JSON'],
    ['a list', '[]', 'neither the recipients of a run nor the progress of one'],
    ['a cut text', recipientsText(LIST).slice(0, -5), 'Its end is missing'],
    ['a missing line', recipientsText(LIST).replace('for restore\n', ''), 'A part of it is missing'],
    ['a missing word', recipientsText(LIST).replace('vault-1 ', ''), 'A part of it is missing'],
    ['another purpose', recipientsText(LIST).replace('for restore', 'for fun'), "'fun' is not a kind of run"],
    ['a run that is a path', recipientsText(LIST).replace(LIST.run, '../x'), "'../x' is not the id of a run"],
    [
      'a hidden character',
      JSON.stringify({ ...PROGRESS, cluster: 'pro\u202Ed' }),
      String.raw`'pro\u{202E}d' is not the name`,
    ],
    ['an SSH key', recipientsText(LIST).replaceAll('age1', 'ssh-ed25519'), 'is not an age recipient'],
    ['a short signature', recipientsText(LIST).replaceAll('A==', '=='), 'is not a signature'],
    ['numbers', JSON.stringify({ ...PROGRESS, recipients: [1] }), 'What it names is not the name of a node'],
    ['too many', JSON.stringify({ ...PROGRESS, recipients: Array.from({ length: 101 }, () => ({})) }), 'no recipients'],
    ['a long text', 'x'.repeat(5_000_000), 'It is too long'],
  ])('are refused with the reason: %s', (_name, text, reason) => {
    expect(() => parseRecipients(text)).toThrow(reason);
  });

  it('are not there while the run takes no shares', () => {
    expect(() => parseRecipients(JSON.stringify({ ...PROGRESS, recipients: [] }))).toThrow(
      'does not accept shares now',
    );
  });
});

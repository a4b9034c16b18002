import { createHash } from 'node:crypto';
import { handIn } from '../../../src/web/hand-in';
import type { HolderPageData } from '../../../src/web/holder-data';
import { holderPage } from '../../../src/web/holder-page';
import { startOf } from '../../../src/web/run-recipients';

const HOSTILE = `<img src=x onerror="alert('1')">`;
const DATA: HolderPageData = {
  version: '1.2.3',
  cluster: 'prod',
  nodes: [{ name: 'vault-1', publicKey: 'KEY', fingerprint: 'SHA256:print' }],
  sandboxHosts: [],
};
const ASSETS = { script: 'start();', style: 'p{color:red}', licences: 'of <somebody>' };

describe('the file of the page', () => {
  it('lets nothing run and load but what its policy names by its hash', () => {
    const page = holderPage(DATA, ASSETS);
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];

    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src '${hashOf('start();')}'`,
      `style-src '${hashOf('p{color:red}')}'`,
      "connect-src 'none'",
      "form-action 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
    expect(page).toContain('<script>start();</script>');
    expect(page).toContain('<style>p{color:red}</style>');
    expect(page).toContain('<meta name="referrer" content="no-referrer">');
    expect(page).not.toMatch(/(src|href|action)=/);
    expect(page).not.toMatch(/https?:/);
  });

  it('has the same bytes for the same configuration', () => {
    expect(holderPage(structuredClone(DATA), ASSETS)).toBe(holderPage(DATA, ASSETS));
    expect(holderPage({ ...DATA, cluster: 'other' }, ASSETS)).not.toBe(holderPage(DATA, ASSETS));
  });

  it('takes nothing that it shows for HTML', () => {
    const key = { name: HOSTILE, publicKey: '</script><!--', fingerprint: HOSTILE };
    const page = holderPage({ version: HOSTILE, cluster: HOSTILE, nodes: [key], sandboxHosts: [key] }, ASSETS);
    const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/.exec(page) ?? [];

    expect(page).not.toContain('<img');
    expect(page).not.toContain('<!--');
    expect(page).toContain('of &lt;somebody&gt;');
    expect(JSON.parse(json)).toEqual({ version: HOSTILE, cluster: HOSTILE, nodes: [key], sandboxHosts: [key] });
  });

  it.each(['</script>', '<!-- x', 'a\r\nb'])('is not made of a script that ends early: %j', (script) => {
    expect(() => holderPage(DATA, { ...ASSETS, script })).toThrow("can't stand in HTML");
  });
});

describe('how an envelope is handed in', () => {
  const list = { cluster: 'prod', run: 'r', recipients: [] };

  it.each([
    ['restore', 'restore-prod', 'vault-dr unseal --cluster prod --as cleo --envelope envelope.txt'],
    ['drill', 'drill-prod', 'vault-dr unseal --cluster prod --drill --as cleo --envelope envelope.txt'],
    ['roll-call', 'roll-call-prod', 'vault-dr unseal --cluster prod --roll-call --as cleo --envelope envelope.txt'],
    ['recover', 'recover-prod', 'vault-dr unseal --cluster prod --recover --as cleo --envelope envelope.txt'],
  ] as const)('to a run of the kind %s', (purpose, workflowId, vaultDr) => {
    const text = handIn({ ...list, purpose }, ' cleo ', 'ENVELOPE');

    expect(text).toMatchObject({ workflowId, vaultDr, name: 'submitShare' });
    expect(JSON.parse(text.message)).toEqual({ holder: 'cleo', share: 'ENVELOPE' });
  });

  it('with a name that does nothing in a shell', () => {
    expect(handIn({ ...list, purpose: 'restore' }, "x'; reboot #", '').vaultDr).toContain(
      String.raw`--as 'x'\''; reboot #'`,
    );
    expect(handIn({ ...list, purpose: 'restore' }, '', '').vaultDr).toContain("--as 'YOUR NAME'");
  });
});

test('the id of a run tells when it was started, if it is a UUID of version 7', () => {
  expect(new Date(startOf('01a22192-ab9d-7af0-9a77-262f824a3c3f') ?? 0).toISOString()).toMatch(/^2026-11-/);
  expect(startOf('0b5c2a52-ab9d-4af0-9a77-262f824a3c3f')).toBeNull();
  expect(startOf('run-1')).toBeNull();
});

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { FAMILIES, type FamilyName } from '../../../src/metrics/families';
import { dashboardQueries } from '../../support/dashboard';
import { describeWithPromtool, promtool } from '../../support/promtool';

const ALERTS = join(PROJECT_ROOT, 'monitoring', 'alerts.yaml');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

it.each(rules.map((rule) => [rule.alert, rule] as const))('%s says how bad it is, and what to do', (_name, rule) => {
  expect(['warning', 'critical']).toContain(rule.labels.severity);
  expect(existsSync(join(PROJECT_ROOT, rule.annotations.runbook))).toBe(true);
});

it.each([...rules.map(({ expr }) => expr), ...dashboardQueries('.*')])('knows what it asks for: %s', (query) => {
  const names = query.match(/vault_dr_\w+/g) ?? [];
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !(name in FAMILIES))).toEqual([]);
  const known = names.flatMap((name): readonly string[] => FAMILIES[name as FamilyName].labels);
  const labels = [...query.matchAll(/\bby \(([^)]*)\)|([a-z]+)=~?"/g)].flatMap(([, by, label]) =>
    by === undefined ? [label ?? ''] : by.split(', '),
  );
  expect(labels.filter((label) => !known.includes(label))).toEqual([]);
});

it('has every metric on its page, and no other', () => {
  const page = readFileSync(join(PROJECT_ROOT, 'docs', 'operate', 'metrics.md'), 'utf8');
  const listed = [...page.matchAll(/^- `(vault_dr_\w+)`(?: by ((?:`\w+`(?:, )?)+))?:/gm)].map(
    ([, name = '', labels = '']) => [name, [...labels.matchAll(/\w+/g)].map(([label]) => label)] as const,
  );
  const all = Object.entries(FAMILIES).map(([name, { labels }]) => [name, labels.filter((one) => one !== 'cluster')]);
  expect(listed).toEqual(all);
});

describeWithPromtool('by the judgement of Prometheus', () => {
  it('the alerts are rules', () => {
    expect(promtool(['check', 'rules', ALERTS])).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  it('each alert fires once its time has come, and not before', () => {
    expect(promtool(['test', 'rules', join(__dirname, 'alerts.test.yaml')])).toContain('SUCCESS');
  });
});

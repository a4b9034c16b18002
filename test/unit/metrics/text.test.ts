import { FAMILIES, type FamilyName, type Sample } from '../../../src/metrics/families';
import { renderMetrics } from '../../../src/metrics/text';
import { describeWithPromtool, promtool } from '../../support/promtool';

const everyFamily: Sample[] = (Object.keys(FAMILIES) as FamilyName[]).map((name) => ({
  name,
  labels: Object.fromEntries(FAMILIES[name].labels.map((label) => [label, 'x'])),
  value: 1,
}));

it('are text, family by family, with what people have named taken literally', () => {
  const hostile = 'a"b\\c\nvault_dr_recoverable{cluster="prod"} 1';
  const text = renderMetrics([
    { name: 'vault_dr_share_proven_timestamp_seconds', labels: { cluster: 'prod', holder: hostile }, value: 1.5 },
    { name: 'vault_dr_build_info', labels: { version: '1' }, value: 1 },
    { name: 'vault_dr_share_proven_timestamp_seconds', labels: { cluster: 'prod', holder: 'ben' }, value: NaN },
  ]);

  expect(text.split('\n').filter((line) => !line.startsWith('# HELP'))).toEqual([
    '# TYPE vault_dr_build_info gauge',
    'vault_dr_build_info{version="1"} 1',
    '# TYPE vault_dr_share_proven_timestamp_seconds gauge',
    'vault_dr_share_proven_timestamp_seconds{cluster="prod",holder="a\\"b\\\\c\\nvault_dr_recoverable{cluster=\\"prod\\"} 1"} 1.5',
    'vault_dr_share_proven_timestamp_seconds{cluster="prod",holder="ben"} NaN',
    '',
  ]);
  expect(renderMetrics([])).toBe('');
});

describeWithPromtool('by the judgement of Prometheus', () => {
  it('have good names, units and help', () => {
    expect(promtool(['check', 'metrics'], renderMetrics(everyFamily))).toBe('');
  });

  it('are refused if they are not', () => {
    expect(() => promtool(['check', 'metrics'], 'bad_total_ms{x="1"} 1\n')).toThrow('bad_total_ms no help text');
  });
});

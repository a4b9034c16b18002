import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';

interface Dashboard {
  panels: { targets?: { expr: string }[] }[];
}

/** Every query of the dashboard. @param cluster what its variable stands for, a regular expression */
export function dashboardQueries(cluster: string): string[] {
  const file = join(PROJECT_ROOT, 'monitoring', 'dashboard.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$cluster', cluster)));
}

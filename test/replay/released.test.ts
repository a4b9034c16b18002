import { workflowBundle } from '../support/workflow-bundle';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { keptFolders, namesIn, readHistory, workflowIdOf } from './history';

/**
 * Runs of every released version may be under way somewhere. When a version is released, its histories are kept in a folder of
 * its name (CONTRIBUTING.md), and are replayed for ever.
 */
describe('histories of earlier versions', () => {
  it('are there for every version in the changelog', async () => {
    const changelog = await readFile(join(PROJECT_ROOT, 'CHANGELOG.md'), 'utf8');

    const folders = await keptFolders();

    expect(releasesIn(changelog).filter((version) => !folders.includes(version))).toEqual([]);
  });

  it('are what the workflows of today would have done', async () => {
    const logger = new DefaultLogger('ERROR');
    Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } } });
    const bundle = await workflowBundle(logger);
    const replayed: string[] = [];
    for (const folder of await keptFolders()) {
      for (const name of await namesIn(folder)) {
        const history = await readHistory(name);
        await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowIdOf(history));
        replayed.push(name);
      }
    }

    expect(replayed).toContain('earlier/restore');
  }, 300_000);
});

it('a release is distinguished from what is not released yet', () => {
  expect(releasesIn('## [Unreleased]\n\n### Added\n\n## [1.2.0] - 2026-12-01\n\n## [1.1.0-rc.1]\n')).toEqual([
    '1.2.0',
    '1.1.0-rc.1',
  ]);
});

function releasesIn(changelog: string): string[] {
  return [...changelog.matchAll(/^## \[(\d[^\]]*)\]/gm)].map(([, version = '']) => version);
}

import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/names';
import { createProcess, type LabProcess } from './processes';
import { HOST, type LabLayout } from './layout';

/** Temporal's development server; its state is in a file, so it may be killed and started again. */
export function createTemporalServer(
  layout: LabLayout,
  program: string,
  environment: Record<string, string>,
): LabProcess {
  const { port, uiPort, httpPort, metricsPort, databaseFile } = layout.temporal;
  return createProcess({
    name: 'temporal',
    command: [
      program,
      'server',
      'start-dev',
      '--disable-config-file',
      '--disable-config-env',
      `--ip=${HOST}`,
      `--port=${port}`,
      `--ui-port=${uiPort}`,
      `--http-port=${httpPort}`,
      `--metrics-port=${metricsPort}`,
      `--db-filename=${databaseFile}`,
      '--log-level=error',
      ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
    ],
    environment,
    logFile: `${layout.directory}/logs/temporal.log`,
    isReady: async () => {
      const connection = await Connection.connect({ address: `${HOST}:${port}`, connectTimeout: '1s' });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return true;
      } finally {
        await connection.close();
      }
    },
  });
}

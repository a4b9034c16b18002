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
  const { host, through } = layout.services;
  const { port, uiPort, httpPort, metricsPort, databaseFile } = layout.temporal;
  return createProcess({
    name: 'temporal',
    command: [
      program,
      'server',
      'start-dev',
      '--disable-config-file',
      '--disable-config-env',
      // Elsewhere its parts would still look for one another at this address.
      `--ip=${host === HOST ? HOST : '0.0.0.0'}`,
      `--port=${port}`,
      `--ui-port=${uiPort}`,
      `--http-port=${httpPort}`,
      `--metrics-port=${metricsPort}`,
      `--db-filename=${databaseFile}`,
      // What is written outlives the process, which may be killed; only the machine itself must not fail.
      '--sqlite-pragma=synchronous=OFF',
      '--log-level=error',
      ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
    ],
    through,
    // Memory is cheaper here than the time to collect garbage.
    environment: { ...environment, GOGC: '400' },
    logFile: `${layout.directory}/logs/temporal.log`,
    isReady: async () => {
      const connection = await Connection.connect({
        address: `${host}:${port}`,
        connectTimeout: '1s',
        channelArgs: { 'grpc.enable_http_proxy': 0 },
      });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return true;
      } finally {
        await connection.close();
      }
    },
  });
}

import { mkdir, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { DrError } from '../../../src/contract/failures';
import { holdNode } from '../../../src/host/run/exclusive';
import { serveRequest } from '../../../src/ssh/host-step';
import { boundedLines } from '../../../src/ssh/lines';
import { type HostRequest, lineOf, parseToController, type ToController } from '../../../src/ssh/messages';
import { CALLS, claimOf, OTHER_RUN, RUN, sshHost, stepRequest } from '../../support/ssh-host';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const HOUR_MS = 3_600_000;

type End = Extract<ToController, { type: 'result' | 'failure' }>;

/** What the host makes of a request, in this process: `remote-step.test.ts` has both ends as they are. */
async function serve(
  request: HostRequest,
  { calls = CALLS, service }: { calls?: typeof CALLS; service?: object } = {},
): Promise<unknown> {
  const { configFile } = await sshHost(inTest, service ? { service } : {});
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.write(lineOf(request));
  const stop = new AbortController().signal;
  const served = serveRequest({ configFile, cluster: 'prod', node: 'vault-1', input, output, stop });
  const end = await answering(input, output, calls);
  input.end();
  await served;
  if (end.type === 'result') return end.value;
  throw new DrError(end.failure.code, end.failure.message, { retryable: end.failure.retryable });
}

async function answering(input: PassThrough, output: PassThrough, calls: typeof CALLS): Promise<End> {
  for await (const line of boundedLines(output)) {
    const message = parseToController(line);
    if (message?.type === 'heartbeat') calls.heartbeat(message.details);
    if (message?.type === 'ask-run') input.write(lineOf({ type: 'run', to: message.id, isOver: await calls.isOver() }));
    if (message?.type === 'ask-attempt') {
      const { startedAt } = await calls.confirmAttempt();
      input.write(lineOf({ type: 'attempt', to: message.id, startedAt }));
    }
    if (message?.type === 'result' || message?.type === 'failure') return message;
  }
  throw new Error('The host said nothing.');
}

const claim = (run = RUN, asked: Parameters<typeof stepRequest>[2] = {}) =>
  serve(stepRequest('claimForRun', claimOf(run), { runId: run, ...asked }));
const stopNode = (options: Parameters<typeof serve>[1] = {}) => serve(stepRequest('stopNode', claimOf(RUN)), options);

describe('a step on a host', () => {
  it('is done there, and answers', async () => {
    await expect(serve(stepRequest('describeNode'))).resolves.toMatchObject({ node: 'vault-1', service: 'stopped' });
  });

  it('asks the controller what Temporal says, and reports what it is at', async () => {
    await claim();
    const [heartbeats, asked]: unknown[][] = [[], []];
    await stopNode({
      calls: {
        ...CALLS,
        confirmAttempt: () => (asked?.push(1), CALLS.confirmAttempt()),
        heartbeat: (said) => void heartbeats?.push(said),
      },
    });

    expect(asked).toHaveLength(1);
    expect(heartbeats).toContain('stop');
  });

  it('is not done for a run that Temporal does not name', async () => {
    await claim();

    await expect(serve(stepRequest('stopNode', claimOf(OTHER_RUN)))).rejects.toMatchObject({
      code: 'PermissionDenied',
    });
    await expect(serve(stepRequest('stopNode', claimOf(RUN), { workflowType: 'backUpCluster' }))).rejects.toMatchObject(
      { code: 'PermissionDenied' },
    );
  });

  it('has its input checked on the host as well', async () => {
    const request = stepRequest('stopNode', { ...claimOf(RUN), dataDir: '/etc' });

    await expect(serve(request)).rejects.toMatchObject({ code: 'InvalidInput', retryable: false });
  });

  it.each(['stopForBackup', 'archiveData', 'publishArchive'])(
    'is refused where only an agent can promise to undo it: %s',
    async (step) => {
      const input = step === 'publishArchive' ? { ...claimOf(RUN), repositories: [] } : claimOf(RUN);

      await expect(serve(stepRequest(step, input))).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    },
  );

  it('is refused where the agent would have to run Vault', async () => {
    const service = { driver: 'process', command: ['vault', 'server'] };

    await expect(serve(stepRequest('describeNode'), { service })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });

  it('is refused while an agent of that node runs', async () => {
    await mkdir(inTest('state'), { mode: 0o700 });
    const agent = await holdNode(inTest('state'), () => undefined, new AbortController().signal);

    await expect(serve(stepRequest('describeNode'))).rejects.toThrow('[ssh-and-agent]');
    await agent.release();
    await expect(serve(stepRequest('describeNode'))).resolves.toMatchObject({ node: 'vault-1' });
  });

  it('is checked without being done', async () => {
    await expect(serve({ type: 'check', protocol: 1 })).resolves.toBeNull();
  });
});

it('a host destroys the identities of runs that are over, and no others', async () => {
  await claim();
  const tend = (over: boolean) =>
    serve({ type: 'tend', protocol: 1 }, { calls: { ...CALLS, isOver: () => Promise.resolve(over) } });

  await expect(tend(false)).resolves.toEqual([]);
  await expect(tend(true)).resolves.toEqual([RUN]);
  await expect(tend(true)).resolves.toEqual([]);
});

describe('a controller in wrong hands', () => {
  it('can not present a run again that is over on the host', async () => {
    await claim();
    await serve(stepRequest('endRunOnNode', claimOf(RUN)));

    await expect(claim()).rejects.toThrow('[run-is-past]');
  });

  it('can not return to a run that another one has replaced', async () => {
    await claim();
    await claim(OTHER_RUN);

    await expect(claim()).rejects.toThrow('[run-is-past]');
  });

  it.each([2 * HOUR_MS, -2 * HOUR_MS])('can not say another time: %d ms', async (off) => {
    await expect(claim(RUN, { scheduledAt: Date.now() + off })).rejects.toThrow('[clocks-apart]');
  });

  it('may be slow with a step that waited: only what claims a host is new', async () => {
    await claim();

    await expect(
      serve(stepRequest('stopNode', claimOf(RUN), { scheduledAt: Date.now() - 2 * HOUR_MS })),
    ).resolves.toBeUndefined();
  });

  it('can not let an earlier attempt begin after a newer one', async () => {
    await claim();
    await writeFile(inTest('state/turn.json'), JSON.stringify({ order: '2999', holder: 'x-1-1' }), { mode: 0o600 });

    await expect(stopNode()).rejects.toMatchObject({ code: 'NodeFenced', retryable: true });
  });
});

import type { Command } from 'commander';
import type { z } from 'zod';
import { clusterInput, operatorInput, parseInput, skipNodeInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { printable } from '../contract/printable';
import type { Answer } from '../contract/update-answers';
import { connectClient } from '../temporal/connect-temporal';
import { askRestore, recoveryHandle } from '../temporal/runs';
import { style } from '../terminal';
import { print, printJson } from './output';
import {
  type CommonOptions,
  EXIT,
  temporalOptions,
  verb,
  withCluster,
  withJson,
  withNode,
  withOperator,
  withTemporal,
} from './program';
import { noticeIn } from '../catalogue/catalogue';

export interface MessageOptions extends CommonOptions {
  cluster: string;
  as: string;
}

export function resumeCommand(): Command {
  return decision('resume', MESSAGE.resume, 'Try the parked steps of a recovery again');
}

export function abortCommand(): Command {
  return decision('abort', MESSAGE.abort, 'End a recovery before its first node is stopped');
}

function decision(name: string, message: string, summary: string): Command {
  const example = `vault-dr ${name} --cluster prod`;
  const command = verb(name, summary, example).action((options: MessageOptions) =>
    send(options, message, operatorInput, { operator: options.as }, example),
  );
  return withJson(withOperator(withTemporal(withCluster(command))));
}

export function skipNodeCommand(): Command {
  const example = 'vault-dr skip-node --cluster prod --node vault-3';
  const command = verb('skip-node', 'Continue a recovery without one of its nodes', example).action(
    (options: MessageOptions & { node: string }) =>
      send(options, MESSAGE.skipNode, skipNodeInput, { operator: options.as, node: options.node }, example),
  );
  const complete = withNode(withCluster(command), 'a node that the status names as one to skip');
  return withJson(withOperator(withTemporal(complete)));
}

export async function send<T extends object>(
  options: MessageOptions,
  name: string,
  schema: z.ZodType<T>,
  raw: T,
  example: string,
): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, example);
  const input = parseInput(schema, raw, example);
  const client = await connectClient(temporalOptions(options));
  try {
    printAnswer(await askRestore(recoveryHandle(client, cluster), name, input), options.json === true);
  } finally {
    await client.connection.close();
  }
}

export function printAnswer(answer: Answer, json: boolean): void {
  const message = printable(answer.message);
  if (json) printJson('answer', { ...answer, notice: noticeIn(answer.message) });
  else print(answer.accepted ? style('green', message) : style('red', `Refused: ${message}`));
  if (!answer.accepted) process.exitCode = EXIT.refused;
}

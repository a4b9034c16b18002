import type { z } from 'zod';
import { clusterInput, operatorInput, parseInput, skipNodeInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { printable } from '../contract/printable';
import type { Answer } from '../contract/update-answers';
import { connectClient } from '../temporal/connect-temporal';
import { askRestore, recoveryHandle } from '../temporal/runs';
import { style } from '../terminal';
import { print, printJson } from './output';
import { type CommonOptions, EXIT, temporalOptions } from './program';
import { noticeIn } from '../catalogue/catalogue';

export interface MessageOptions extends CommonOptions {
  cluster: string;
  as: string;
}

export function runResume(options: MessageOptions): Promise<void> {
  return send(options, MESSAGE.resume, operatorInput, { operator: options.as }, 'vault-dr resume --cluster prod');
}

export function runAbort(options: MessageOptions): Promise<void> {
  return send(options, MESSAGE.abort, operatorInput, { operator: options.as }, 'vault-dr abort --cluster prod');
}

export function runGoLive(options: MessageOptions): Promise<void> {
  return send(options, MESSAGE.goLive, operatorInput, { operator: options.as }, 'vault-dr go-live --cluster prod');
}

export function runSkipNode(options: MessageOptions & { node: string }): Promise<void> {
  const input = { operator: options.as, node: options.node };
  return send(options, MESSAGE.skipNode, skipNodeInput, input, 'vault-dr skip-node --cluster prod --node vault-3');
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

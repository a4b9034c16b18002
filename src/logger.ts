import pino, { type Logger } from 'pino';
import type Pretty from 'pino-pretty';
import { withCauses } from './contract/causes';

/** JSON lines on standard error, or readable ones where a person looks. */
export function createLogger(): Logger {
  const options = {
    level: process.env['VAULT_DR_LOG_LEVEL'] ?? 'info',
    base: null,
    serializers: { error: withMessage },
  };
  if (process.stderr.isTTY) {
    const pretty = require('pino-pretty') as typeof Pretty;
    return pino(options, pretty({ destination: 2, sync: true, ignore: 'hostname' }));
  }
  return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
}

/** Temporal's SDK logs a failed step under `error`, and JSON omits the message of an error. */
function withMessage(error: unknown): unknown {
  return error instanceof Error ? Object.assign({}, error, { message: withCauses(error) }) : error;
}

import type { Connection } from '@temporalio/client';
import { withCauses } from '../contract/causes';
import { DrError } from '../contract/failures';
import { SEARCH_ATTRIBUTES } from '../contract/names';

const KEYWORD = 2;

/**
 * Registers missing search attributes: a workflow that sets an unknown one would retry forever. @throws DrError
 * PermissionDenied with the commands for an administrator; `retryable`, since they may have run them a minute later.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { operatorService } = connection;
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return;
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    if (await areUsable(connection, namespace)) return;
    const commands = SEARCH_ATTRIBUTES.map(
      (name) => `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`,
    );
    throw new DrError(
      'PermissionDenied',
      `Temporal's namespace '${namespace}' lacks search attributes, and they can't be registered from here: ${withCauses(error)}.`,
      { advice: `An administrator of the namespace must run: ${commands.join(' ; ')}`, cause: error, retryable: true },
    );
  }
}

/** Without permission to list them, search by them: Temporal refuses a query with an unknown one. */
async function areUsable({ workflowService }: Connection, namespace: string): Promise<boolean> {
  const query = SEARCH_ATTRIBUTES.map((name) => `${name} = 'none'`).join(' AND ');
  return workflowService.countWorkflowExecutions({ namespace, query }).then(
    () => true,
    () => false,
  );
}

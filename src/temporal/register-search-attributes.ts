import type { Client } from '@temporalio/client';
import { DrError } from '../contract/failures';
import { SEARCH_ATTRIBUTES } from '../contract/names';

const KEYWORD = 2;

/**
 * Registers the search attributes if they aren't there: a workflow that sets an unknown one would retry for ever.
 * @throws DrError PermissionDenied that says what an administrator has to run.
 */
export async function ensureSearchAttributes(client: Client): Promise<void> {
  const { namespace } = client.options;
  const { operatorService } = client.connection;
  const commands = SEARCH_ATTRIBUTES.map(
    (name) => `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`,
  );
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return;
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    throw new DrError(
      'PermissionDenied',
      `The search attributes of Temporal's namespace '${namespace}' can't be set up.`,
      {
        advice: `Have an administrator run: ${commands.join(' ; ')}`,
        cause: error,
      },
    );
  }
}

import { readFile } from 'node:fs/promises';
import { exposuresOf } from '../../config/exposures';
import type { Config } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { accessLines, type AccessPlan, ensureLogin, grantAccess, planAccess, readRoleId } from '../../init/access';
import { checked, configurationText } from '../../init/configuration';
import {
  type Account,
  type ConfigurationOutcome,
  prepareDirectory,
  prepareRepository,
  putConfiguration,
  putFile,
  putIdentity,
  putRoleId,
  putSecretId,
  putSigningKeys,
  serviceAccount,
} from '../../init/files';
import { adviseFlags } from '../../init/flags';
import { POLICY } from '../../init/policy';
import { clientFor } from '../../init/survey';
import { checkRepository } from '../../repository/check/check';
import { note, print } from '../output';
import { checkTable } from '../repository';
import { promptYes } from '../prompt';
import { TERMINAL } from './asker';
import type { Options } from './options';
import { FUTURE_RECIPIENT, type Interview, interview } from './questions';
import { hostLines, identityLines, nextSteps, plannedFiles } from './words';

export async function runInit(options: Options): Promise<void> {
  const asker = process.stdin.isTTY && !options.yes ? TERMINAL : null;
  const asked = await interview(options, asker);
  try {
    const { vault, file, places, settings, role } = asked;
    const names = { role, mount: settings.mount };
    const plan = await planAccess(vault, names).catch(adviseFlags);
    const text = configurationText(settings, places);
    checked(text, file);
    const files = await plannedFiles(asked, text);
    if (options.print) return printAll(text, files, plan, asked);
    note('');
    note(['This host:', ...files.map((line) => `  ${line}`)].join('\n'));
    note(['Vault:', ...accessLines(plan, names).map((line) => `  ${line}`)].join('\n'));
    if (plan.policy === 'write') note(POLICY.replace(/^(?=.)/gm, '    '));
    if (asker && !(await promptYes('Do this?'))) throw new DrError('Aborted', 'Nothing was written.');
    const done = await apply(asked);
    await report(done, asked);
  } finally {
    await asked.vault.close();
  }
}

/** For a pipe: no secret is in it, because none was made. */
function printAll(text: string, files: string[], plan: AccessPlan, asked: Interview): void {
  const { settings, role, file } = asked;
  const title = (words: string) => `\n# ${words}\n`;
  print(`# Nothing was written. On this host:\n${files.map((line) => `#   ${line}`).join('\n')}`);
  print(`${title(file)}\n${text}`);
  print(
    title('In Vault:') +
      accessLines(plan, { role, mount: settings.mount })
        .map((line) => `#   ${line}`)
        .join('\n'),
  );
  if (plan.policy === 'write') print(`${title(`Policy ${role}`)}\n${POLICY}`);
  print(
    hostLines(asked)
      .map((line) => `# ${line}`)
      .join('\n'),
  );
}

interface Done {
  config: Config;
  configuration: ConfigurationOutcome;
  identity: 'written' | 'kept' | null;
  lacking: string[];
}

/** The configuration comes last: once it is there, so is everything that it names. */
async function apply(asked: Interview): Promise<Done> {
  const { file, places, settings, caPem } = asked;
  const account = await serviceAccount();
  await prepareDirectory(places.directory, account);
  step('signing key', await putSigningKeys(places, account), places.signingKey);
  const identity = settings.ownIdentity ? await putIdentity(places.identity) : null;
  if (identity) step('age identity', identity.outcome, places.identity);
  if (caPem !== null) step("Vault's authority", await putAuthority(places.caFile, caPem, account), places.caFile);
  const own = identity?.recipients ?? [];
  const others = settings.recipients.filter((item) => item !== FUTURE_RECIPIENT && !own.includes(item));
  const text = configurationText({ ...settings, recipients: [...own, ...others] }, places);
  const config = checked(text, file);
  await prepareRepositories(config, account);
  const lacking = await prepareVault(asked, account);
  const configuration = await putConfiguration(file, text, account);
  if (configuration.outcome !== 'beside') step('configuration', configuration.outcome, configuration.file);
  return { config, configuration, identity: identity?.outcome ?? null, lacking };
}

/** Another one may be in use by the configuration that is there. */
async function putAuthority(path: string, pem: string, account: Account | null) {
  const outcome = await putFile(path, pem, 'everybody', account);
  if (outcome === 'kept' && (await readFile(path, 'utf8')) !== pem)
    note(`  ${path} stays as it is; replace it by hand if the authority is another one now.`);
  return outcome;
}

/** Before anything is written in Vault. @throws DrError RepositoryUnavailable if one does not do what it is to promise */
async function prepareRepositories({ repositories }: Config, account: Account | null): Promise<void> {
  for (const [name, repository] of Object.entries(repositories)) {
    if (repository.type === 'directory') {
      step(`repository ${name}`, await prepareRepository(repository.path, account), repository.path);
    }
    const result = await checkRepository(name, repository);
    note(checkTable(result, process.stderr));
    if (!result.capabilities.some(({ verdict }) => verdict === 'broken')) continue;
    throw new DrError('RepositoryUnavailable', `${name} can't keep backups as it is to be configured: see above.`, {
      where: name,
      advice: 'Fix it, or choose another --repository, and run this again. Nothing was changed in Vault.',
    });
  }
}

/** @returns what the login lacks for a backup */
async function prepareVault(asked: Interview, account: Account | null): Promise<string[]> {
  const { vault, access, settings, places, role } = asked;
  const names = { role, mount: settings.mount };
  await grantAccess(vault, names);
  const roleId = await readRoleId(vault, names);
  step('role id', await putRoleId(places.roleId, roleId, account), places.roleId);
  const { secretId, isNew } = await putSecretId(places.secretId, account);
  step('secret id', isNew ? 'written' : 'kept', places.secretId);
  const clientWith = (token: string) => clientFor({ ...access, token });
  const lacking = await ensureLogin(vault, names, { roleId, secretId, clientWith, isNew }, settings.method);
  note(`  access to Vault: the AppRole ${role} can log in`);
  return lacking;
}

async function report({ config, configuration, identity, lacking }: Done, asked: Interview): Promise<void> {
  const { file, places } = asked;
  for (const exposure of await exposuresOf(config)) note(`Warning: ${exposure}`);
  for (const path of lacking) {
    note(`Warning: the AppRole ${asked.role} may not read ${path}: compare its policies with the one below.`);
  }
  if (lacking.length > 0) note(POLICY);
  if (configuration.outcome === 'beside') {
    note(`\n${file} is there already and stays as it is. The new one is in ${configuration.file}:`);
    note(configuration.difference);
  }
  for (const line of hostLines(asked)) note(line);
  if (identity !== null) {
    for (const line of await identityLines(places.identity, identity === 'written')) note(line);
  }
  note('');
  print(await nextSteps(asked));
}

function step(what: string, outcome: 'written' | 'kept', path: string): void {
  note(`  ${what}: ${outcome === 'written' ? 'written to' : 'kept'} ${path}`);
}

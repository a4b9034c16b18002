import { clusterOf } from '../config/load';
import { DrError, isDrError } from '../contract/failures';
import type { GenerationCopy } from '../contract/generation';
import { type Method, methodOf } from '../contract/method';
import { type ChainFinding, verifyChain } from '../repository/keep/chain';
import { verifyCopy } from '../repository/generations';
import { type Repair, repairGeneration } from '../repository/repair';
import { chooseCopies, type BackupOptions, idsOf, type Listing, loadListing, reportTrouble } from './backups-listing';
import { style } from '../terminal';
import { noticesOfTrouble } from './notices';
import { note, print, printJson } from './output';
import { EXIT } from './program';

interface VerifyOptions extends BackupOptions {
  chain?: boolean;
  repair?: boolean;
}

interface Result {
  generation: string;
  method: Method;
  repository: string;
  check: string;
  problem: string | null;
}

/** Always follows the chain; reads the copies unless --chain. */
export async function runVerify(generation: string, options: VerifyOptions): Promise<void> {
  const listing = await loadListing(options);
  const results: Result[] = [];
  const repairs: Repair[] = [];
  if (options.chain !== true) {
    const chosen = choose(listing, generation, options.cluster);
    for (const id of idsOf(chosen)) {
      const copies = chosen.filter((copy) => copy.generation === id);
      const found = await readCopies(listing, copies);
      results.push(...found);
      if (options.repair === true) repairs.push(...(await repair(listing, options.cluster, copies, found)));
    }
  }
  const now = repairs.some(({ outcome }) => outcome === 'added') ? await loadListing(options) : listing;
  const chain = verifyChain(options.cluster, now.views);
  if (options.json) {
    const { unreadable, unanswered, warnings } = now;
    const notices = noticesOfTrouble(now);
    printJson('backups-verify', { results, repairs, chain, unreadable, unanswered, warnings, notices });
  } else show(results, repairs, chain, now);
  reportTrouble(now);
  const repaired = new Set(repairs.filter(({ outcome }) => outcome === 'added').map(placeOf));
  const damaged = results.some((result) => result.problem !== null && !repaired.has(placeOf(result)));
  if (damaged || chain.some((finding) => finding.severity === 'problem')) process.exitCode = EXIT.damaged;
  else if (repairs.some(({ outcome }) => outcome === 'failed')) process.exitCode = EXIT.failed;
}

function choose({ copies }: Listing, generation: string, cluster: string): GenerationCopy[] {
  const chosen = generation === 'all' ? copies : chooseCopies(copies, generation, cluster);
  if (chosen.length > 0) return chosen;
  throw new DrError('UnknownGeneration', `There is no backup of ${cluster} to verify.`);
}

async function readCopies({ repositories }: Listing, copies: GenerationCopy[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const copy of copies) {
    const repository = repositories.find(({ name }) => name === copy.repository);
    if (!repository) continue;
    const { generation, manifest } = copy;
    const place = { generation, method: methodOf(manifest), repository: copy.repository };
    try {
      await verifyCopy(repository, copy);
      results.push({ ...place, check: copy.check === 'restored' ? 'hashed, restored' : 'hashed', problem: null });
    } catch (error) {
      if (!isDrError(error)) throw error;
      results.push({ ...place, check: 'listed', problem: error.message });
    }
  }
  return results;
}

async function repair(
  { config, repositories, views, unreadable, marks, publicKey }: Listing,
  cluster: string,
  copies: GenerationCopy[],
  results: Result[],
): Promise<Repair[]> {
  const good = results.filter((result) => result.problem === null).map((result) => result.repository);
  const copy = copies.find((item) => good.includes(item.repository));
  if (!copy) return [];
  const damaged = [
    ...results.filter((result) => result.problem !== null),
    ...unreadable.filter((item) => item.generation === copy.generation),
  ].map((item) => item.repository);
  const places = repositories.flatMap((repository) => {
    const view = views.find((item) => item.repository === repository.name);
    return view ? [{ repository, view }] : [];
  });
  const { retention } = clusterOf(config, cluster).backup;
  const policy = { retention, pinned: new Set(marks.pinned.keys()), now: new Date() };
  return repairGeneration(copy, good, damaged, places, policy, publicKey);
}

function show(results: Result[], repairs: Repair[], chain: ChainFinding[], { unanswered }: Listing): void {
  for (const { problem, ...result } of results) {
    const verdict = problem === null ? style('green', result.check) : style('red', `DAMAGED: ${problem}`);
    const method = result.method === 'raft' ? '' : `  ${result.method}`;
    print(`${result.generation}  ${result.repository}${method}  ${verdict}`);
  }
  for (const { generation, repository, outcome, problem } of repairs) {
    const verdict =
      outcome === 'added'
        ? style('green', 'added and read back')
        : style(
            'red',
            outcome === 'in the way' ? `NOT REPAIRED, because nothing is ever overwritten: ${problem}` : `${problem}`,
          );
    print(`${generation}  ${repository}  ${verdict}`);
  }
  for (const { kind, severity, generation, text } of chain) {
    print(`${generation}  chain  ${style(severity === 'problem' ? 'red' : 'yellow', `${kind}: ${text}`)}`);
  }
  if (chain.length === 0) print(`chain  ${style('green', 'complete')}`);
  else if (unanswered.length > 0) note('The missing backups may be in a repository that did not answer.');
}

function placeOf({ generation, repository }: { generation: string; repository: string }): string {
  return `${generation} ${repository}`;
}

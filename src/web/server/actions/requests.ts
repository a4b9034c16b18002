import { DrError } from '../../../contract/failures';
import {
  type ApproveInput,
  approveInput,
  clusterInput,
  drillInput,
  type Identity,
  operatorInput,
  parseInput,
  restoreInput,
  rollCallInput,
  skipNodeInput,
  submitShareInput,
} from '../../../contract/input';
import { MESSAGE } from '../../../contract/names';
import { checkEnvelope } from '../../../contract/share';
import type { Principal } from '../../login/principal';
import type { Decision, Start } from './offered';

/** Fields of a form, as they were sent. */
export type Fields = Readonly<Record<string, string>>;

/** What is sent to a run. Who acts is who is logged in: no field says it. */
export interface RunMessage {
  name: (typeof MESSAGE)[keyof typeof MESSAGE];
  input: Partial<ApproveInput> & { identity?: Identity | undefined };
}

/** What is started, by the input of its workflow. */
export type RunRequest =
  | { start: 'backup'; input: { cluster: string } }
  | { start: 'drill' | 'rollCall' | 'restore'; input: { cluster: string; requestedBy: string; planOnly?: boolean } };

function identityOf({ issuer, subject }: Principal): Identity {
  return { issuer, subject };
}

/** @throws DrError InvalidInput */
export function startOf(start: Start, cluster: string, fields: Fields, principal: Principal): RunRequest {
  const by = { cluster, requestedBy: principal.name, identity: identityOf(principal) };
  const generation = fields['generation']?.trim() || 'latest';
  switch (start) {
    case 'backup':
      return { start, input: parseInput(clusterInput, { cluster }, 'cluster') };
    case 'drill':
      return { start, input: parseInput(drillInput, { ...by, unseal: fields['unseal'] === 'yes' }, 'yes or no') };
    case 'rollCall':
      return { start, input: parseInput(rollCallInput, by, 'cluster') };
    case 'plan':
    case 'restore': {
      const raw = { ...by, generation, planOnly: start === 'plan' };
      return { start: 'restore', input: parseInput(restoreInput, raw, 'latest, or the id of a backup') };
    }
  }
}

/** @throws DrError InvalidInput */
export function decisionOf(decision: Decision, fields: Fields, principal: Principal): RunMessage {
  const identity = identityOf(principal);
  const operator = { operator: principal.name, identity };
  if (decision === 'approve') {
    const { planHash, signature = '' } = fields;
    const armored = signature.trim();
    const raw = {
      approver: principal.name,
      identity,
      planHash,
      ...(armored === '' ? {} : { signature: `${armored}\n` }),
    };
    return { name: MESSAGE.approve, input: parseInput(approveInput, raw, 'the hash that the run shows') };
  }
  if (decision === 'skipNode') {
    return {
      name: MESSAGE.skipNode,
      input: parseInput(skipNodeInput, { ...operator, node: fields['node'] }, 'vault-2'),
    };
  }
  return { name: MESSAGE[decision], input: parseInput(operatorInput, operator, 'no fields') };
}

/**
 * An envelope, never a share in clear: what is none is not sent.
 * @param principal null: nobody can log in, so the name is what the holder says
 * @throws DrError InvalidInput
 */
export function submissionOf(fields: Fields, principal: Principal | null): RunMessage {
  const share = (fields['share'] ?? '').trim();
  const verdict = checkEnvelope(share);
  if (!verdict.ok) {
    throw new DrError('InvalidInput', verdict.reason, { advice: 'Nothing was sent to the run.' });
  }
  const who =
    principal === null ? { holder: fields['holder'] } : { holder: principal.name, identity: identityOf(principal) };
  return { name: MESSAGE.submitShare, input: parseInput(submitShareInput, { ...who, share }, 'your name') };
}

import { VERSION } from '../version';

/** What `vault-dr` alone prints: for somebody whose cluster is down, in a terminal of 80 columns and 24 lines. */
export function firstScreen(): string {
  return `vault-dr ${VERSION}: disaster recovery for HashiCorp Vault and OpenBao

A cluster is down. These change nothing:
  vault-dr status --cluster NAME                  a recovery that is running
  vault-dr restore --cluster NAME --plan          what a restore would do
  vault-dr backups list --cluster NAME            the backups there are

To recover, if
  vault-dr recover-quorum --cluster NAME          no quorum, a disk survived
  vault-dr rebuild-node --cluster NAME --node N   one node is lost
  vault-dr restore --cluster NAME --in-place      it is running with wrong data
  vault-dr restore --cluster NAME                 nothing else helps
  vault-dr temporal --data DIRECTORY              Temporal is lost: start here
Each recovery makes a plan first and refuses what is not safe.

  vault-dr help              all commands
  vault-dr help COMMAND      its options, with an example
  vault-dr explain CODE      what an error code means, and what to do`;
}

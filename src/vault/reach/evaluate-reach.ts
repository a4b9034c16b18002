import { portOf, socketPathOf } from '../../contract/addresses';
import { addressOf, isAt, type Listener, shownAddress } from './listener';
import { inClear, type LocalAddress } from './local-address';

/** Known facts about the connection from an agent to its Vault, without trying it. */
export interface ReachFacts {
  local: LocalAddress;
  /** Null when Vault's configuration is not known. */
  listeners: readonly Listener[] | null;
  /** Part of the configuration could not be read: there may be more listeners. */
  incomplete: boolean;
  /** Whether a client certificate is configured. */
  hasClientCertificate: boolean;
}

export type ReachVerdict =
  | { kind: 'reachable'; listener: Listener }
  /** And what to change. */
  | { kind: 'refused'; why: string }
  | { kind: 'unchecked'; why: string };

/** Decides by Vault's own listeners whether an agent will reach its Vault once that is started. */
export function evaluateReach(facts: ReachFacts): ReachVerdict {
  const { local, listeners, incomplete } = facts;
  if (listeners === null || incomplete) {
    const missing = listeners === null ? 'is not under configFiles' : "can't be read completely";
    return { kind: 'unchecked', why: `the configuration of Vault, which defines its listeners, ${missing}` };
  }
  if (listeners.length === 0) return refused('its Vault has no listener: add one on 127.0.0.1');
  const there = listeners.map((listener) => ({ listener, at: isAt(listener, local.address) }));
  const hit = there.find(({ at }) => at === true)?.listener;
  if (hit) return evaluateListener(facts, hit);
  const unknown = there.filter(({ at }) => at === null).map(({ listener }) => listener);
  if (unknown.length === 0) return refused(`${nobodyAt(local)} (${listening(listeners)}): ${wayOut(listeners)}`);
  return {
    kind: 'unchecked',
    why: `its agent uses ${local.address}; whether Vault listens there (${listening(unknown)}) can't be determined; \`localAddress\` of this node may set it`,
  };
}

function evaluateListener({ local, listeners, hasClientCertificate }: ReachFacts, hit: Listener): ReachVerdict {
  const { restrictedBy, demandsCertificate, tlsDisabled } = hit;
  if (restrictedBy !== null) {
    return refused(
      `its agent uses ${local.address}, whose listener serves only part of the API (${restrictedBy}): ${wayOut(listeners ?? [])}`,
    );
  }
  const secure = local.address.startsWith('https:');
  if (socketPathOf(local.address) === null && secure === tlsDisabled) {
    const right = sameHost(local.address, tlsDisabled);
    const what = tlsDisabled ? 'has tls_disable set, so it does not use TLS' : 'requires TLS';
    const way = inClear(right) ? wayOut(listeners ?? []) : setLine(right);
    return refused(`its agent uses ${local.address}, and the listener at ${shownAddress(hit)} ${what}: ${way}`);
  }
  if (demandsCertificate && !hasClientCertificate) {
    return refused(
      `the listener at ${shownAddress(hit)} requires a client certificate (tls_require_and_verify_client_cert), and none is configured: set \`tls: { certificateFile: …, key: { file: … } }\` of the cluster or of this node`,
    );
  }
  return { kind: 'reachable', listener: hit };
}

function refused(why: string): ReachVerdict {
  return { kind: 'refused', why };
}

function nobodyAt({ address, from }: LocalAddress): string {
  const given = from === 'localAddress' ? ' (`localAddress`)' : '';
  return `its agent uses ${address}${given}, where Vault has no listener`;
}

function listening(listeners: readonly Listener[]): string {
  return `Vault listens on ${listeners.map(shownAddress).join(', ')}`;
}

/** The line to change: in our configuration if one of the listeners is usable, otherwise in Vault's. */
function wayOut(listeners: readonly Listener[]): string {
  const usable = listeners
    .filter(({ restrictedBy }) => restrictedBy === null)
    .flatMap((listener) => addressOf(listener) ?? [])
    .find((address) => !inClear(address));
  if (usable !== undefined) return setLine(usable);
  return 'add a listener for its agent to its configuration: `listener "tcp" { address = "127.0.0.1:8202" tls_disable = true }`';
}

function setLine(address: string): string {
  return `set \`localAddress: ${address}\` for this node`;
}

function sameHost(address: string, tlsDisabled: boolean): string {
  const url = new URL(address);
  return new URL(`${tlsDisabled ? 'http' : 'https'}://${url.hostname}:${portOf(url)}`).origin;
}

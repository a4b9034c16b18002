import { join } from 'node:path';
import type { Logger } from 'pino';
import { exposuresOf, refuseIfReadByAll } from '../config/exposures';
import { loadConfig } from '../config/load';
import type { WebConfig } from '../config/schema';
import { listenPlace } from '../config/settings/web';
import { isLoopbackHost } from '../contract/addresses';
import { DrError } from '../contract/failures';
import { coded } from '../contract/notice';
import { printable } from '../contract/printable';
import { hardenProcess } from '../process-hardening';
import { preferSmallHeap } from '../process-memory';
import type { WebAssets } from '../web/assets';
import { createWebApp } from '../web/server/app';
import { allowedHosts, originOf } from '../web/server/hosts';
import { listen } from '../web/server/listen';
import { createLogin } from '../web/login/create-login';
import { issuerDependsOnVault } from '../web/login/issuer-host';
import { createActions } from '../web/server/actions/create-actions';
import { temporalDoer } from '../web/server/actions/doer';
import { clusterActions, recoveryActions, secretsActions, submitAction } from '../web/server/actions/offered';
import { type ActionsOf, LiveState } from '../web/server/state/live-state';
import { TemporalLink } from '../web/server/state/temporal-link';
import type { TlsFiles } from '../web/server/tls-files';
import { serve, untilStopped } from './serve';
import { type CommonOptions, temporalOptions } from './program';

/** Bundled at build time, beside the compiled program. */
const ASSETS = join(__dirname, '..', '..', 'web-pages.js');

/** Of a message, whose run may have to ask an agent. */
const ACT_WITHIN_MS = 30_000;

export function runWeb(options: CommonOptions): Promise<void> {
  return serve(async (log, stop) => {
    preferSmallHeap();
    const config = await loadConfig(options.config, (text) => log.warn(coded('config-deprecated', text)));
    await hardenProcess((message) => log.warn(message));
    for (const exposure of await exposuresOf(config)) log.warn(exposure);
    const { web } = config;
    const place = placeOf(web);
    if (web.tls) await refuseIfReadByAll(web.tls.keyFile, 'web.tls.keyFile');
    warnOfPlace(log, web, place);
    const { onWait: _, ...profile } = temporalOptions(options);
    const temporal = new TemporalLink(profile);
    const state = new LiveState({ config, temporal, temporalUi: web.temporalUi ?? null, actions: actionsOf(web) });
    const onNote = (text: string) => log.warn(printable(text));
    const origin = originOf(place);
    const { login, seal } = await createLogin(web.login, origin, onNote);
    const dependence = issuerDependsOnVault(web.login, config);
    if (dependence !== null) log.warn(dependence);
    const assets = require(ASSETS) as WebAssets;
    const doer = temporalDoer((work) => temporal.ask(work, ACT_WITHIN_MS));
    const app = createWebApp({
      state,
      login,
      assets,
      actions: createActions({ login, seal, origin, assets, doer, note: (text) => log.info(text) }),
      settings: {
        hosts: allowedHosts(place),
        secure: origin.startsWith('https:'),
        proxied: place.publicUrl !== null && !place.tls,
        formOrigins: [],
        stop,
        onError: (problem) => log.error({ problem }, 'a page could not be made'),
      },
    });
    const listening = await listen({ ...place, tls: tlsFilesOf(web), fetch: app.fetch, onNote });
    try {
      log.info({ url: originOf(place), listen: web.listen }, 'the pages are served');
      await untilStopped(stop);
    } finally {
      await listening.close();
      await temporal.close();
    }
  });
}

function actionsOf({ login: { method } }: WebConfig): ActionsOf {
  return {
    cluster: clusterActions,
    recovery: recoveryActions,
    secrets: secretsActions,
    submit: (viewer, cluster, purpose, run) => submitAction(viewer, method !== 'off', { cluster, purpose, run }),
  };
}

function tlsFilesOf({ tls, login }: WebConfig): TlsFiles | null {
  if (tls === undefined) return null;
  return { ...tls, ...(login.method === 'certificate' && { clientCaFile: login.caFile }) };
}

function placeOf({ listen: text, publicUrl, tls }: WebConfig) {
  const place = listenPlace(text);
  if (place === null) throw new DrError('InvalidConfiguration', `web.listen: '${text}' is no address.`);
  return { ...place, publicUrl: publicUrl ?? null, tls: tls !== undefined };
}

/** The configuration refuses the rest. */
function warnOfPlace(log: Logger, { listen: text, tls }: WebConfig, { address }: { address: string }): void {
  if (isLoopbackHost(address) || tls !== undefined) return;
  log.warn(`web.listen: ${text} leaves this host without TLS: let nobody but the proxy of web.publicUrl reach it.`);
}

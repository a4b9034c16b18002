/** What a page for key holders is built with. Public: keys that verify, and nothing that signs. */
export interface HolderPageData {
  version: string;
  cluster: string;
  /** With an agent that signs. */
  nodes: PageKey[];
  sandboxHosts: PageKey[];
}

export interface PageKey {
  name: string;
  /** As in the configuration. */
  publicKey: string;
  /** `SHA256:…` */
  fingerprint: string;
}

/** Element of the page that holds them as JSON. */
export const DATA_ID = 'data';

/** What the pages load, as the build bundles it. */
export interface WebAssets {
  script: WebAsset;
  style: WebAsset;
  licences: string;
}

export interface WebAsset {
  /** Has a hash of the content. */
  name: string;
  type: string;
  text: string;
  /** For the attribute of the element that loads it. */
  integrity: string;
}

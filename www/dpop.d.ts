/* The types of dpop.js; what is done at length is in its head comment. */

export interface Options {
  /** As createSession() has it, by the same spelling: '/api/auth'. Each has a key of its own. */
  base?: string;
  fetch?: typeof globalThis.fetch;
  /** Where the key is kept: resolves with the stored pair; where there is none, stores `fresh`, unless that is false, and resolves with it.
   *  Rejects where it can't tell. Default: IndexedDB, which all tabs share. */
  keys?: (base: string, fresh: CryptoKeyPair | false) => Promise<CryptoKeyPair | false | undefined>;
}

/** What createSession() takes as `fetch`: sign-ins bind their session to a key of this browser (RFC 9449), refreshes show it. */
export function dpop(options?: Options): typeof globalThis.fetch;

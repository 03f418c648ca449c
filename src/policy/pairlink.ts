/**
 * The link of the QR code that `sallyport pair` shows: the page's address, and behind the # the one-time code and the certificate's six
 * words. Browsers send to nobody what stands behind the #, so the code comes into no log and no proxy. Pure.
 */

export interface PairLink {
  /** As long as nobody has an account. */
  readonly code?: string;
  /** As the hub's terminal shows them; none where they were not six. */
  readonly words?: readonly string[];
}

const codeForm = /^[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}$/;
const wordsForm = /^[a-z]{3,8}(?:-[a-z]{3,8}){5}$/;

/** What stands behind the #, without it; '' for nothing. */
export function pairFragment({ code, words }: PairLink): string {
  return [...(code === undefined ? [] : [`code=${code}`]), ...(words === undefined ? [] : [`words=${words.join('-')}`])].join('&');
}

/** Whatever stands behind a #, with or without it: anything may be written there. */
export function readPairFragment(hash: string): PairLink {
  const told = new URLSearchParams(hash.replace(/^#/, ''));
  const code = told.get('code') ?? '';
  const words = told.get('words') ?? '';
  return { ...(codeForm.test(code) ? { code } : {}), ...(wordsForm.test(words) ? { words: words.split('-') } : {}) };
}

/** Of IPv4, private: what the hub's authority signs for. */
const privateAddress = /^https:\/\/(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+(?::\d+)?$/;

/**
 * Where a phone of the household reaches the page, of all its addresses. With the hub's own certificate (`own`) by a private IP address, for
 * a phone need not know the hub's name; else by the first name, for which certificates of households are made. Undefined where there is
 * none by HTTPS.
 */
export function phoneAddress(urls: readonly string[], own: boolean): string | undefined {
  const secure = urls.filter((url) => url.startsWith('https://'));
  return (own ? secure.find((url) => privateAddress.test(url)) : undefined) ?? secure[0];
}

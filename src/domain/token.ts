/**
 * The format of access tokens: `hf_` and 34 letters and digits, of which the last six are a checksum keyed by the instance. So the hub
 * recognises its own tokens in any text without a look-up, and a finder learns nothing from the checksum. (JS clients insist on `hf_`.)
 * The deprecated token of a whole organization begins with `api_org_` instead, as on the Hub.
 */
export const tokenPrefixes = ['hf_', 'api_org_'] as const
export type TokenPrefix = (typeof tokenPrefixes)[number]
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 28
const checkLength = 6
const pattern = /^(?:hf|api_org)_[0-9A-Za-z]{34}$/
/** Characters of the longest token. */
export const tokenLength = 42

/** Finds everything in a text that has the form of a token, ours or not. Global: use with `matchAll`. */
export const tokenInText = /(?:hf|api_org)_[0-9A-Za-z]{34}(?![0-9A-Za-z])/g

/** People put tokens where they do not belong: into the title of a commit, the name of a token, a User-Agent (AUTH-10). */
export function withoutTokens<T extends string | null>(text: T): T extends string ? string : string | null
export function withoutTokens(text: string | null): string | null {
  return text === null ? null : text.replace(tokenInText, (value) => `${prefixOf(value)}…${value.slice(-4)}`)
}

/** `mac` is HMAC-SHA-256 under the instance's checksum key. */
export type Mac = (text: string) => Uint8Array

/** A new value. `random` gives bytes; 28 characters of base 62 carry 166 bits. */
export function makeTokenValue(random: (length: number) => Uint8Array, mac: Mac, prefix: TokenPrefix = 'hf_'): string {
  let body = ''
  while (body.length < bodyLength) {
    for (const byte of random(bodyLength)) {
      // 248 is the largest multiple of 62 below 256: larger bytes are dropped, so that every character is equally likely.
      if (byte < 248 && body.length < bodyLength) body += alphabet[byte % 62]
    }
  }
  return `${prefix}${body}${checksum(body, mac)}`
}

export function isTokenShaped(value: string): boolean {
  return pattern.test(value)
}

/** True if this instance made the value. Says nothing about whether it is still valid. */
export function isOwnToken(value: string, mac: Mac): boolean {
  if (!pattern.test(value)) return false
  return checksum(checkedPart(value), mac) === value.slice(-checkLength)
}

/** What the checksum of a value is over. */
export function checkedPart(value: string): string {
  return value.slice(prefixOf(value).length, -checkLength)
}

function prefixOf(value: string): TokenPrefix {
  return value.startsWith('api_org_') ? 'api_org_' : 'hf_'
}

function checksum(body: string, mac: Mac): string {
  const digest = mac(body)
  let number = 0n
  for (const byte of digest.subarray(0, 8)) number = (number << 8n) | BigInt(byte)
  let text = ''
  for (let i = 0; i < checkLength; i++) {
    text += alphabet[Number(number % 62n)]
    number /= 62n
  }
  return text
}

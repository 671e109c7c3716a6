/** DSSE: a payload with its type, and signatures over both (https://github.com/secure-systems-lab/dsse). */

/** What is signed: type and payload, each behind its length, so that no other pair of them has the same bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8')
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload])
}

export const inTotoType = 'application/vnd.in-toto+json'
export const statementType = 'https://in-toto.io/Statement/v1'

/** Standard base64, with its padding; null for anything else, which readers would read differently. */
export function fromBase64(text: string): Buffer | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null
  return Buffer.from(text, 'base64')
}

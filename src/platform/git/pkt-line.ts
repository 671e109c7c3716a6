/** Git's framing (gitprotocol-common(5)): four hex digits of length, then the data; `0000` ends a section. */

export const flushPacket = '0000'

export function packet(text: string): Buffer {
  const data = Buffer.from(text, 'utf8')
  return Buffer.concat([Buffer.from((data.length + 4).toString(16).padStart(4, '0')), data])
}

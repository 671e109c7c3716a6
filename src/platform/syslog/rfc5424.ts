/** Messages of RFC 5424, framed by octet counting (RFC 6587, 5425). Whatever a value holds, it stays inside its message. */

/** "log audit". */
export const auditFacility = 13

export const severities = { error: 3, warning: 4, notice: 5, info: 6 } as const
export type Severity = keyof typeof severities

export interface SyslogMessage {
  readonly severity: Severity
  /** Milliseconds since 1970. */
  readonly at: number
  readonly host: string
  /** What kind of message it is. */
  readonly messageId: string
  /** Name and number of the structured data, such as `event@32473`. */
  readonly dataId: string
  /** Null and empty values are left out. */
  readonly data: Readonly<Record<string, string | null>>
  /** One line of printable ASCII. */
  readonly text: string
  /** In place of `text` where the message would be too long: at most 3,000 octets. */
  readonly brief: string
}

const longestValue = 200
/** Octets. Receivers should take so many (RFC 5425). */
const longestMessage = 8_192

export function formatMessage(message: SyslogMessage): Buffer {
  const { severity, at, host, messageId, dataId, data, text, brief } = message
  const head = [
    `<${auditFacility * 8 + severities[severity]}>1`,
    new Date(at).toISOString(),
    printable(host, 255),
    'holdfast',
    '-',
    printable(messageId, 32),
  ].join(' ')
  const values = Object.entries(data).filter(([, value]) => value !== null && value !== '')
  const fields = values.map(([name, value]) => ` ${printable(name, 32)}="${quoted(value ?? '')}"`)
  const known = `${head} [${dataId}${fields.join('')}]`
  const isLong = Buffer.byteLength(known) + 1 + text.length > longestMessage
  return Buffer.from(`${known} ${isLong ? brief : text}`)
}

/** Its length in octets, a space, and the message: what it holds cannot end it. */
export function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

/** JSON in printable ASCII: no control character, no letter that turns the direction, and no question of the encoding. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Of the header, which knows printable ASCII only. */
function printable(text: string, longest: number): string {
  return text.replace(/[^\x21-\x7e]/g, '_').slice(0, longest) || '-'
}

/** Control characters, and those that hide or turn what stands beside them, are shown as U+FFFD; MSG has them in full. */
function quoted(value: string): string {
  const characters = Array.from(value)
  const shown = characters.length > longestValue ? [...characters.slice(0, longestValue - 1), '…'] : characters
  return shown
    .join('')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd')
    .replace(/["\\\]]/g, '\\$&')
}

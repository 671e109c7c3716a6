/** Signature Version 4, checked as Amazon documents it: so that what we send is known to be signed, whatever a lenient server accepts. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

interface Given {
  readonly credential: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly payload: string
}

/** Null where the request is signed with that key for that region; else what is wrong, as S3 names it. */
export function signatureFault(
  request: IncomingMessage,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string },
  now = Date.now(),
): string | null {
  const url = new URL(request.url ?? '/', 'http://host')
  const presigned = url.searchParams.has('X-Amz-Signature')
  const given = presigned ? fromQuery(url) : fromHeaders(request)
  if (given === null) return 'AccessDenied'
  const [accessKey, day, region, service, end] = given.credential.split('/')
  if (accessKey !== keys.accessKeyId) return 'InvalidAccessKeyId'
  if (region !== keys.region || service !== 's3' || end !== 'aws4_request') return 'AuthorizationHeaderMalformed'
  const signedAt = timeOf(given.date)
  if (presigned) {
    if (now > signedAt + Number(url.searchParams.get('X-Amz-Expires')) * 1000) return 'AccessDenied'
  } else if (Math.abs(now - signedAt) > 900_000) return 'RequestTimeTooSkewed'
  if (!given.signedHeaders.includes('host')) return 'AccessDenied'
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const canonical = [
    request.method,
    url.pathname,
    query,
    ...given.signedHeaders.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    given.signedHeaders.join(';'),
    given.payload,
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', given.date, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  )
  const step = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (previous, text) => step(previous, text ?? ''),
    `AWS4${keys.secretAccessKey}`,
  )
  const right = step(key, toSign)
  const said = Buffer.from(given.signature, 'hex')
  return said.length === right.length && timingSafeEqual(said, right) ? null : 'SignatureDoesNotMatch'
}

function fromHeaders(request: IncomingMessage): Given | null {
  const match = /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
    request.headers.authorization ?? '',
  )
  const date = request.headers['x-amz-date']
  const payload = request.headers['x-amz-content-sha256']
  if (match === null || typeof date !== 'string' || typeof payload !== 'string') return null
  const [, credential = '', headers = '', signature = ''] = match
  return { credential, signedHeaders: headers.split(';'), signature, date, payload }
}

function fromQuery(url: URL): Given | null {
  const of = (name: string): string => url.searchParams.get(`X-Amz-${name}`) ?? ''
  if (of('Algorithm') !== 'AWS4-HMAC-SHA256') return null
  return {
    credential: of('Credential'),
    signedHeaders: of('SignedHeaders').split(';'),
    signature: of('Signature'),
    date: of('Date'),
    payload: 'UNSIGNED-PAYLOAD',
  }
}

/** `20261123T091500Z` in milliseconds. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

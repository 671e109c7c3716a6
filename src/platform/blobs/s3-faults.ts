/**
 * What an object store answers instead of what was asked, in our words: it is full, it refuses (somebody must mend a setting), or it does
 * not answer (trying again may help). The SDK's own errors go no further than here: they carry the whole request.
 */
import { HoldfastError } from '../../domain/errors.ts'

interface Fault {
  readonly name: string
  /** HTTP status, or null where there was no answer. */
  readonly status: number | null
  readonly message: string
  readonly requestId: string | null
}

const refusals: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket does not exist.',
  InvalidBucketName: 'the bucket has no valid name.',
  InvalidAccessKeyId: 'the access key is not known.',
  SignatureDoesNotMatch: 'the secret access key or the region is wrong.',
  ExpiredToken: 'the access key has expired.',
  AccessDenied: 'the access key may not do this.',
  AuthorizationHeaderMalformed: 'the region is wrong.',
  AuthorizationQueryParametersError: 'the region is wrong.',
  PermanentRedirect: 'the region or the endpoint is wrong.',
  RequestTimeTooSkewed: 'the clocks of the hub and of the store differ by more than 15 minutes.',
}
const full: ReadonlySet<string> = new Set(['XMinioStorageFull', 'QuotaExceeded', 'ServerFull', 'InsufficientStorage'])
/** Of a status that says "no" and names that say "not now". */
const passing: ReadonlySet<string> = new Set(['RequestTimeout', 'SlowDown', 'TooManyRequests', 'IncompleteBody'])

export function describeFault(error: unknown): Fault {
  const of = (error ?? {}) as {
    name?: unknown
    code?: unknown
    message?: unknown
    $metadata?: { httpStatusCode?: unknown; requestId?: unknown }
  }
  const status = of.$metadata?.httpStatusCode
  const requestId = of.$metadata?.requestId
  return {
    name: typeof of.code === 'string' ? of.code : typeof of.name === 'string' ? of.name : 'unknown',
    status: typeof status === 'number' ? status : null,
    message: typeof of.message === 'string' ? of.message.slice(0, 300) : '',
    requestId: typeof requestId === 'string' ? requestId : null,
  }
}

/** Whether the same request may succeed when it is sent again. */
export function isPassingFault(fault: Fault): boolean {
  const { name, status } = fault
  if (isFull(fault)) return false
  return status === null || status >= 500 || status === 429 || passing.has(name)
}

export function asStoreError(fault: Fault): HoldfastError {
  const extras = { cause: new Error(`${fault.name} ${fault.status ?? ''} ${fault.message}`.trim()) }
  if (isFull(fault)) return new HoldfastError('storage_full', {}, extras)
  if (isPassingFault(fault)) {
    return new HoldfastError('store_unreachable', {}, { ...extras, headers: { 'retry-after': '10' } })
  }
  return new HoldfastError('store_refused', { reason: refusals[fault.name] ?? reasonOfStatus(fault) }, extras)
}

function isFull({ name, status }: Fault): boolean {
  return full.has(name) || status === 507
}

/** The answer to a HEAD has no body, so only its status tells. */
function reasonOfStatus({ name, status }: Fault): string {
  if (status === 401 || status === 403) return 'the access key is not accepted, or may not do this.'
  if (status === 301 || status === 307) return 'the region or the endpoint is wrong.'
  return `it answered ${status} (${name}).`
}

/** For a key that is not there. */
export function nullIfNoSuchKey(error: unknown): null {
  const { name, status } = describeFault(error)
  if (name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket')) return null
  throw error
}

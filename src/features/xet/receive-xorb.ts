/** A xorb coming in: checked chunk by chunk while it streams to a file, then published and claimed for the scope of the token. */
import { HoldfastError } from '../../domain/errors.ts'
import { XetFormatError } from '../../platform/xet/errors.ts'
import { mostFooterBytes, mostXorbBytes } from '../../platform/xet/limits.ts'
import { mostXorbsAtOnce } from '../../platform/xet/xet-workers.ts'
import { holdClaimedXorb, storeXorb } from '../storage/service.ts'
import { callerOf } from './caller.ts'
import type { CasCall } from './cas-route.ts'
import { parseHash } from './parse-hash.ts'
import { places } from './places.ts'
import { bodyFault, checkBodyHeaders, drainBody, passingBodyOf, untilGone } from './request-body.ts'

const bodyLimit = mostXorbBytes + mostFooterBytes
/** Slower senders hold a file and a place without getting anywhere. */
const timeLimitMs = 1_800_000

/** A client sends many at once; each holds some MiB while it streams, and the threads behind it are few. */
const uploads = places({ count: mostXorbsAtOnce, perCaller: 10, waiting: 256, waitMs: 120_000 })

/** True if the scope did not have it. Throws `xet_xorb_invalid`; nothing is stored then. */
export async function receiveXorb(call: CasCall): Promise<boolean> {
  const { hub, request, scope } = call
  const hash = parseHash(call.params.get('hash'), 'xet_xorb_invalid')
  checkBodyHeaders(request, bodyLimit)
  if ((await holdClaimedXorb(hub, scope, hash)) !== null) {
    await drainBody(request, bodyLimit)
    return false
  }
  const signal = untilGone(request, timeLimitMs)
  const leave = await uploads.enter(callerOf(call), signal)
  try {
    return await storeXorb(hub, {
      scope,
      hash,
      receive: (fd) => hub.xet.receiveXorb(passingBodyOf(request), hash, fd, signal),
      reauthorize: call.reauthorize,
    })
  } catch (error) {
    leave()
    await drainBody(request, bodyLimit)
    if (error instanceof XetFormatError) {
      throw new HoldfastError('xet_xorb_invalid', { reason: error.reason }, { cause: error })
    }
    throw bodyFault(error, request)
  } finally {
    leave()
  }
}

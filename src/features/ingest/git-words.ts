/** Failures of git that are the client's doing, in the words of the catalogue. */
import { HoldfastError } from '../../domain/errors.ts'
import { GitFailure } from '../../platform/git/run.ts'

/** The error to throw in place of `error`: the catalogue's where it has one, else the same. */
export function inOurWords(error: unknown): unknown {
  if (!(error instanceof GitFailure)) return error
  if (error.reason === 'bad-encoding')
    return new HoldfastError('unsupported_media_type', { allowed: 'gzip or no encoding' }, { cause: error })
  if (error.reason === 'input-limit') {
    const limit = /larger than (\d+ bytes)/.exec(error.message)?.[1] ?? 'what this hub takes'
    return new HoldfastError('body_too_large', { limit }, { cause: error })
  }
  if (error.reason === 'bad-input') {
    const reason = 'The request is damaged, ends too early, or is not what git sends. Nothing was changed.'
    return new HoldfastError('bad_request', { reason }, { cause: error })
  }
  const sizes = /expected (\d+) bytes, received (\d+)/.exec(error.message)
  if (error.reason === 'size-mismatch' && sizes) {
    return new HoldfastError(
      'length_mismatch',
      { expected: Number(sizes[1]), received: Number(sizes[2]) },
      { cause: error },
    )
  }
  if (error.reason === 'busy') return new HoldfastError('busy', {}, { cause: error })
  if (/No space left on device|ENOSPC/.test(error.message))
    return new HoldfastError('storage_full', {}, { cause: error })
  return error
}

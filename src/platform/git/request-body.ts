/**
 * The body of a git request as git wants it: decompressed when the client compressed it, and never longer than its
 * bound, so that a gzip bomb costs the bound and not the disk.
 */
import { pipeline, type Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { GitFailure } from './run.ts'

/** Throws `bad-encoding` for anything but gzip and none. The stream fails with `input-limit` beyond `limit` bytes. */
export function decodeBody(request: Readable, encoding: string | null | undefined, limit: number): Readable {
  const name = (encoding ?? '').trim().toLowerCase()
  if (name !== '' && name !== 'identity' && name !== 'gzip' && name !== 'x-gzip') {
    throw new GitFailure('bad-encoding', `the content encoding "${name.slice(0, 40)}" is not supported; use gzip`)
  }
  let size = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > limit) done(new GitFailure('input-limit', `the request is larger than ${limit} bytes`))
      else done(null, chunk)
    },
  })
  // `pipeline` carries errors to the last stream, where the reader sees them.
  if (name === '' || name === 'identity') pipeline(request, bounded, () => undefined)
  else pipeline(request, createGunzip(), bounded, () => undefined)
  return bounded
}

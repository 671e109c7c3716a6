/**
 * The body of a git request as git wants it: decompressed when the client compressed it, and never longer than its
 * bound, so that a gzip bomb costs the bound and not the disk.
 */
import { finished, type Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { GitFailure } from './run.ts'

/**
 * Throws `bad-encoding` for anything but gzip and none. The stream fails with `input-limit` beyond `limit` bytes, with `bad-input` where
 * the body is damaged, and with `aborted` where the client goes away. When its reader stops, the request itself
 * is read on and dropped, not destroyed: the answer that says why still goes out on its connection, whose owner bounds that.
 */
export function decodeBody(request: Readable, encoding: string | null | undefined, limit: number): Readable {
  const name = (encoding ?? '').trim().toLowerCase()
  const isPlain = name === '' || name === 'identity'
  if (!isPlain && name !== 'gzip' && name !== 'x-gzip') {
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
  const decoder = isPlain ? null : createGunzip()
  const first = decoder ?? bounded
  // Not `pipeline`: it would destroy the request with its reader, and leave its connection unread until it times out.
  const forget = finished(request, { writable: false }, (error) => {
    if (error) bounded.destroy(new GitFailure('aborted', 'the client went away'))
  })
  decoder?.on('error', (error: NodeJS.ErrnoException) => {
    bounded.destroy(new GitFailure('bad-input', `the request's body is damaged (${error.code ?? error.message})`))
  })
  // It may break before its reader is there, who then still finds the error.
  bounded.on('error', () => undefined)
  bounded.once('close', () => {
    forget()
    request.unpipe(first)
    decoder?.destroy()
    // What still comes is dropped: `unpipe` alone would leave it unread, and its sender waiting.
    request.resume()
  })
  decoder?.pipe(bounded)
  request.pipe(first)
  return bounded
}

/** Puts pickles together opcode by opcode. Nothing here, or in the tests, ever loads one. */
import { Buffer } from 'node:buffer'

export type Part = Buffer | string

export const join = (...parts: readonly Part[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const uint64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

export const proto = (version: number): Buffer => Buffer.from([0x80, version])
export const frame = (length: number): Buffer => join('\x95', uint64(length))
export const text = (value: string): Buffer => join('\x8c', Buffer.from([Buffer.byteLength(value)]), Buffer.from(value))
export const longText = (value: string): Buffer => join('X', uint32(Buffer.byteLength(value)), Buffer.from(value))
export const hugeText = (value: string): Buffer => join('\x8d', uint64(Buffer.byteLength(value)), Buffer.from(value))
export const bytes = (value: Buffer): Buffer => join('B', uint32(value.length), value)
export const hugeBytes = (value: Buffer): Buffer => join('\x8e', uint64(value.length), value)
export const global = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`)
export const stackGlobal = (module: string, name: string): Buffer => join(text(module), text(name), '\x93')
export const put = (index: number): Buffer => join('r', uint32(index))
export const get = (index: number): Buffer => join('j', uint32(index))

export const memoize = '\x94'
export const tuple1 = '\x85'
export const tuple2 = '\x86'
export const reduce = 'R'
export const build = 'b'
export const pop = '0'
export const mark = '('
export const none = 'N'
export const stop = '.'

/** module.name(*texts), left on the stack. */
export const call = (module: string, name: string, ...given: readonly string[]): Buffer =>
  join(global(module, name), mark, ...given.map(longText), 't', reduce)

/** A whole pickle of protocol 4 that calls module.name('echo'). */
export const callingPickle = (module: string, name: string): Buffer =>
  join(proto(4), stackGlobal(module, name), text('echo'), tuple1, reduce, stop)

/** The payload of most samples: harmless even where it runs. */
export const payload = (): Buffer => callingPickle('posix', 'system')

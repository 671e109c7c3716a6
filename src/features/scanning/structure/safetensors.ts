/**
 * Whether the header of a safetensors file is true: its length, its JSON, and that the tensors fill the bytes behind it without gap or overlap, each as long
 * as its shape and type say. A loader that believes a lying header reads beyond the file.
 */
import { z } from 'zod'
import { type ByteSource, readBytes } from '../byte-source.ts'
import type { ScanReport } from '../scanner.ts'

/** The format's own bound. */
const mostHeader = 100_000_000
const shortest = 10

const bits: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  C64: 64,
  U64: 64,
  I64: 64,
  F64: 64,
}

const tensorShape = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().min(0)),
  data_offsets: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
})

/** Null where the bytes are not safetensors. */
export async function checkSafetensors(source: ByteSource): Promise<ScanReport | null> {
  if (source.size < shortest) return null
  const head = Buffer.from(await readBytes(source, 0, shortest))
  if (!/^\{["}\s]$/.test(head.toString('latin1', 8))) return null
  const length = head.readBigUInt64LE()
  if (length > BigInt(source.size - 8)) {
    // Any text may stand behind eight bytes: only a plausible length makes it a header that lies.
    return length < BigInt(mostHeader)
      ? lie(`its header is said to have ${length} bytes, the file has ${source.size}`)
      : null
  }
  if (length > BigInt(mostHeader)) return lie(`its header has ${length} bytes, more than the format allows`)
  const header = Buffer.from(await readBytes(source, 8, Number(length))).toString('utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(header)
  } catch {
    return lie('its header is not JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return lie('its header is no list of tensors')
  const fault = faultOf(parsed, source.size - 8 - Number(length))
  return fault === null ? { level: 'safe', message: null } : lie(fault)
}

function faultOf(header: object, dataBytes: number): string | null {
  const places: { name: string; from: number; to: number }[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const tensor = tensorShape.safeParse(value)
    if (!tensor.success) return `the entry of tensor "${name.slice(0, 100)}" is not as the format says`
    const { dtype, shape, data_offsets } = tensor.data
    const [from, to] = data_offsets
    const width = bits[dtype]
    if (from > to || to > dataBytes) return `tensor "${name.slice(0, 100)}" lies outside of the file`
    const wanted =
      width === undefined ? null : Math.ceil((shape.reduce((product, one) => product * one, 1) * width) / 8)
    if (wanted !== null && wanted !== to - from)
      return `tensor "${name.slice(0, 100)}" has ${to - from} bytes, its shape needs ${wanted}`
    places.push({ name, from, to })
  }
  places.sort((one, other) => one.from - other.from || one.to - other.to)
  let end = 0
  for (const { name, from, to } of places) {
    if (from !== end) return `there is a gap or an overlap before tensor "${name.slice(0, 100)}"`
    end = to
  }
  return end === dataBytes ? null : `${dataBytes - end} bytes behind the last tensor belong to none`
}

function lie(message: string): ScanReport {
  return { level: 'suspicious', message: `safetensors: ${message}` }
}

/** The header of a safetensors file as a list of tensors. Whether it is true as a whole is the scanner's to say; here a lie about one tensor is a note. */
import { z } from 'zod'
import { limits } from './limits.ts'
import { NotShown, type ShownTensors, type Source } from './shown.ts'
import { type Tensor, tensorPage } from './tensor-page.ts'

const entryShape = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().min(0)).max(64),
  data_offsets: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
})
const mostNamed = 3

export async function safetensorsHeader(source: Source, from: number): Promise<ShownTensors> {
  const head = await source.read(0, 8)
  if (head.length < 8) throw new NotShown('This file is too short to be safetensors: it has no header.')
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(source.size - 8)) {
    throw new NotShown(
      `The header is said to have ${length} bytes, but the file ends before: it is cut, or it is not safetensors.`,
    )
  }
  if (length > BigInt(limits.safetensorsHeader)) {
    throw new NotShown(
      `The header has ${length} bytes. Headers of up to ${limits.safetensorsHeader >> 20} MiB are shown here.`,
    )
  }
  const json = new TextDecoder().decode(await source.read(8, 8 + Number(length)))
  const entries = Object.entries(parsed(json))
  const dataBytes = source.size - 8 - Number(length)
  const tensors: (Tensor & { readonly at: number })[] = []
  const faults: string[] = []
  let metadata: [string, unknown][] = []
  for (const [name, value] of entries) {
    if (name === '__metadata__') {
      metadata = typeof value === 'object' && value !== null ? Object.entries(value) : []
      continue
    }
    const read = entryShape.safeParse(value)
    if (!read.success) {
      faults.push(`The entry of tensor "${name.slice(0, 100)}" is not as the format says.`)
      continue
    }
    const { dtype, shape, data_offsets } = read.data
    const [start, end] = data_offsets
    if (start > end || end > dataBytes)
      faults.push(`Tensor "${name.slice(0, 100)}" is said to lie outside of the file.`)
    tensors.push({ name, dtype, shape, bytes: Math.max(0, end - start), at: start })
  }
  const notes = faults.slice(0, mostNamed)
  if (faults.length > mostNamed) notes.push(`${faults.length - mostNamed} more entries are wrong.`)
  // Quotes inside of texts have a backslash before them, so this counts entries alone; JSON keeps the last of the same name.
  const written = json.match(/"data_offsets"\s*:/g)?.length ?? 0
  if (written > entries.length) notes.push('Some names occur more than once; the last of each is shown.')
  tensors.sort((one, other) => one.at - other.at)
  return tensorPage('safetensors', tensors, metadata, from, notes)
}

function parsed(json: string): object {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new NotShown('The header is not JSON, so this is not safetensors, or it is broken.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NotShown('The header is no list of tensors, so this is not safetensors, or it is broken.')
  return value
}

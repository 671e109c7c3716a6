/** One page of a list of tensors, with what they come to. */
import { cellOf } from './cells.ts'
import { cellText, escapeHtml } from './escape.ts'
import { limits } from './limits.ts'
import type { ShownTensors } from './shown.ts'

export interface Tensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** Null where it is not known. */
  readonly bytes: number | null
  /** Of an index: the file that it lies in, in place of type and shape. */
  readonly file?: string
}

export function tensorPage(
  format: string,
  tensors: readonly Tensor[],
  metadata: readonly (readonly [string, unknown])[],
  from: number,
  notes: string[],
): ShownTensors {
  const byType = new Map<string, number>()
  for (const tensor of tensors) {
    if (tensor.file === undefined) byType.set(tensor.dtype, (byType.get(tensor.dtype) ?? 0) + parametersOf(tensor))
  }
  const shown = tensors.slice(from, from + limits.tensorsAtOnce)
  const end = from + shown.length
  return {
    kind: 'tensors',
    format,
    parameters: [...byType.values()].reduce((sum, one) => sum + one, 0),
    byType: [...byType]
      .map(([dtype, parameters]) => ({ dtype: dtype.slice(0, 40), parameters }))
      .sort((one, other) => other.parameters - one.parameters)
      .slice(0, 20),
    metadata: metadata.slice(0, limits.metadata).map(([key, value]) => ({
      key: cellText(key, 200),
      value: cellText(cellOf(value).text, limits.metadataCharacters),
    })),
    metadataTotal: metadata.length,
    bodyHtml: shown.map(tensorRow).join(''),
    rows: shown.length,
    from,
    next: end < tensors.length ? end : null,
    total: tensors.length,
    notes,
  }
}

export function parametersOf({ shape }: Tensor): number {
  return shape.reduce((product, one) => product * one, 1)
}

function tensorRow({ name, dtype, shape, bytes, file }: Tensor): string {
  const head = `<tr><th scope="row">${escapeHtml(cellText(name))}</th>`
  if (file !== undefined) return `${head}<td>${escapeHtml(cellText(file))}</td></tr>`
  const sizes = bytes === null ? '' : bytes.toLocaleString('en-GB')
  const dimensions = shape.length === 0 ? 'scalar' : shape.join(' × ')
  return `${head}<td>${escapeHtml(cellText(dtype, 40))}</td><td>${escapeHtml(cellText(dimensions))}</td><td class="num">${sizes}</td></tr>`
}

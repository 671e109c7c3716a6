/** Sentences as vectors: the words' vectors, put together as the model has it. */
import { NotTheModels } from './faults.ts'
import type { Job, Pooling } from './job.ts'
import type { Tensor } from './library.ts'
import type { LoadedModel } from './loaded-model.ts'

/** Base64 of all vectors, one after the other. */
export async function embed(
  loaded: LoadedModel,
  job: Extract<Job, { head: 'feature-extraction' }>,
  signal: AbortSignal,
  atOnce: number,
): Promise<{ width: number; data: string }> {
  const { model, tokenizer, pooling, context } = loaded
  const isNormalized = job.isNormalized ?? pooling.isNormalized
  const all: Float32Array[] = []
  let width = 0
  for (let from = 0; from < job.texts.length; from += atOnce) {
    signal.throwIfAborted()
    const texts = job.texts.slice(from, from + atOnce)
    const inputs = tokenizer(texts, { padding: true, truncation: job.isCut })
    const length = inputs.input_ids.dims[1] ?? 0
    if (length > context) {
      throw new NotTheModels(
        `A text has ${length} tokens; this model takes at most ${context}. With "truncate" it is cut.`,
      )
    }
    const outputs = await model(inputs)
    const whole = outputs.sentence_embedding
    const vectors =
      whole === undefined
        ? pooled(outputs.last_hidden_state ?? outputs.token_embeddings, inputs.attention_mask, pooling.kind)
        : floatsOf(whole)
    width = vectors.length / texts.length
    if (isNormalized) normalize(vectors, width)
    all.push(vectors)
  }
  return {
    width,
    data: Buffer.concat(all.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength))).toString('base64'),
  }
}

function floatsOf(tensor: Tensor | undefined): Float32Array {
  if (tensor === undefined || !(tensor.data instanceof Float32Array))
    throw new Error('The graph of this model gives no vectors (last_hidden_state or sentence_embedding).')
  return tensor.data
}

function pooled(hidden: Tensor | undefined, mask: Tensor | undefined, kind: Pooling['kind']): Float32Array {
  const values = floatsOf(hidden)
  const [batch = 0, length = 0, width = 0] = hidden?.dims ?? []
  const isCounted = (row: number, at: number): boolean =>
    mask === undefined || Number(mask.data[row * length + at]) === 1
  const out = new Float32Array(batch * width)
  for (let row = 0; row < batch; row++) {
    const chosen: number[] = []
    for (let at = 0; at < length; at++) if (isCounted(row, at)) chosen.push(at)
    const used = kind === 'mean' ? chosen : kind === 'cls' ? chosen.slice(0, 1) : chosen.slice(-1)
    for (const at of used) {
      const start = (row * length + at) * width
      for (let one = 0; one < width; one++)
        out[row * width + one] = (out[row * width + one] ?? 0) + (values[start + one] ?? 0)
    }
    for (let one = 0; one < width; one++)
      out[row * width + one] = (out[row * width + one] ?? 0) / Math.max(1, used.length)
  }
  return out
}

/** To length 1, each. */
export function normalize(vectors: Float32Array, width: number): void {
  for (let start = 0; start < vectors.length; start += width) {
    const vector = vectors.subarray(start, start + width)
    const length = Math.sqrt(vector.reduce((sum, one) => sum + one * one, 0))
    if (length > 0) for (let at = 0; at < width; at++) vector[at] = (vector[at] ?? 0) / length
  }
}

/** A model in memory, with what it counts: which tokens it was given, and how many it may be given. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { NotTheModels } from './faults.ts'
import type { Pooling, ToLoad } from './job.ts'
import type { Library, Model, Pipeline, TextInputs, Tokenizer } from './library.ts'

/** Of one call. */
export interface Counts {
  tokensIn: number
  tokensOut: number
}

const counting = new AsyncLocalStorage<Counts>()

export function counted<T>(counts: Counts, work: () => Promise<T>): Promise<T> {
  return counting.run(counts, work)
}

/** Models that count positions from behind their padding. */
const withOffset = new Set(['roberta', 'xlm-roberta', 'camembert', 'mpnet', 'longformer', 'xlm-roberta-xl'])
/** Where a model does not say how much it takes. */
const usualContext = 512

export class LoadedModel {
  readonly pipeline: Pipeline
  readonly pooling: Pooling
  /** Tokens at once. */
  readonly context: number

  private constructor(pipeline: Pipeline, pooling: Pooling) {
    this.pipeline = pipeline
    this.pooling = pooling
    this.context = contextOf(pipeline)
    if (pipeline.tokenizer !== null) pipeline.tokenizer = countedTokenizer(pipeline.tokenizer, this.context)
    if (pipeline.model.config.is_encoder_decoder === true) countGenerated(pipeline.model)
  }

  static async load(library: Library, { folder, head, dtype, subfolder, pooling }: ToLoad): Promise<LoadedModel> {
    const pipeline = await library.pipeline(head, folder, { dtype, subfolder, device: 'cpu', local_files_only: true })
    return new LoadedModel(pipeline, pooling)
  }

  get model(): Model {
    return this.pipeline.model
  }

  get tokenizer(): Tokenizer {
    if (this.pipeline.tokenizer === null) throw new NotTheModels('This model takes no text.')
    return this.pipeline.tokenizer
  }

  async dispose(): Promise<void> {
    await this.pipeline.dispose()
  }
}

function contextOf({ tokenizer, model: { config } }: Pipeline): number {
  const { max_position_embeddings, n_positions, n_ctx, model_type, pad_token_id } = config
  const positions = max_position_embeddings ?? n_positions ?? n_ctx ?? Number.POSITIVE_INFINITY
  const offset = withOffset.has(model_type ?? '') ? (pad_token_id ?? 1) + 1 : 0
  const most = Math.min(positions - offset, tokenizer?.model_max_length ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(most) && most > 0 && most < 10_000_000 ? Math.floor(most) : usualContext
}

/** Notes for whose call it works how many tokens it made; and cuts where the model ends, whatever its own file says. */
function countedTokenizer(tokenizer: Tokenizer, context: number): Tokenizer {
  return new Proxy(tokenizer, {
    apply(target, self, [texts, options]: Parameters<Tokenizer>) {
      const most = options?.truncation === true ? { max_length: context } : {}
      const inputs = Reflect.apply(target as never, self, [texts, { ...options, ...most }]) as TextInputs
      const counts = counting.getStore()
      if (counts !== undefined) counts.tokensIn += tokensOf(inputs)
      return inputs
    },
  })
}

/** Padding is none. */
function tokensOf({ input_ids, attention_mask }: TextInputs): number {
  if (attention_mask === undefined) return input_ids.dims.reduce((product, dim) => product * dim, 1)
  let sum = 0
  for (const one of attention_mask.data) sum += Number(one)
  return sum
}

/** Of models that make one text of another: their pipelines keep the ids to themselves. */
function countGenerated(model: Model): void {
  const generate = model.generate.bind(model)
  model.generate = async (options) => {
    const ids = await generate(options)
    const counts = counting.getStore()
    // It begins with padding, and is filled up with it.
    if (counts !== undefined)
      for (const id of ids.data) if (Number(id) !== model.config.pad_token_id) counts.tokensOut++
    return ids
  }
}

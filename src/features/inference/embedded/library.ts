/** The parts of the library (Transformers.js) that are used, as this hub sees them. It is optional: nothing of it is imported before it is needed. */

export interface Tensor {
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array
  tolist(): unknown
}
export interface TextInputs {
  readonly input_ids: Tensor
  readonly attention_mask?: Tensor
}
export interface TokenizerOptions {
  readonly padding?: boolean
  readonly truncation?: boolean
  readonly max_length?: number
  readonly text_pair?: string | readonly string[]
  readonly add_special_tokens?: boolean
}
export interface Tokenizer {
  (texts: string | readonly string[], options?: TokenizerOptions): TextInputs
  readonly model_max_length?: number
  readonly chat_template?: unknown
  readonly add_bos_token?: boolean
  readonly add_eos_token?: boolean
  readonly mask_token?: string | null
  padding_side: string
  decode(ids: readonly (number | bigint)[], options: { skip_special_tokens: boolean }): string
  apply_chat_template(messages: readonly object[], options: object): string
}
export interface ModelConfig {
  readonly model_type?: string
  readonly is_encoder_decoder?: boolean
  readonly problem_type?: string
  readonly id2label?: Readonly<Record<number, string>>
  readonly max_position_embeddings?: number
  readonly n_positions?: number
  readonly n_ctx?: number
  readonly pad_token_id?: number
}
export interface Model {
  (inputs: object): Promise<Readonly<Record<string, Tensor>>>
  readonly config: ModelConfig
  readonly generation_config?: {
    readonly eos_token_id?: number | readonly number[]
    readonly max_new_tokens?: number
  } | null
  generate: (options: object) => Promise<Tensor>
}
export interface Pipeline {
  (...inputs: readonly unknown[]): Promise<unknown>
  tokenizer: Tokenizer | null
  model: Model
  dispose(): Promise<void>
}
export interface StoppingCriteria {
  interrupt(): void
}
/** Its own name for where all that it draws comes from. */
export interface RandomSource {
  _int32?: (() => number) | undefined
}
export interface Library {
  readonly env: Record<string, unknown>
  readonly random?: { readonly Random?: { new (seed: number): RandomSource; readonly prototype: RandomSource } }
  readonly RawImage: { fromBlob(blob: Blob): Promise<unknown> }
  readonly InterruptableStoppingCriteria: new () => StoppingCriteria
  readonly TextStreamer: new (
    tokenizer: Tokenizer,
    options: {
      readonly skip_prompt: boolean
      readonly skip_special_tokens: boolean
      readonly callback_function: (text: string) => void
    },
  ) => object
  pipeline(task: string, folder: string, options: object): Promise<Pipeline>
}

/** Throws where it is not installed, or has no program for this machine. */
export async function loadLibrary(name: string): Promise<Library> {
  const library = (await import(name)) as Library
  Object.assign(library.env, {
    // Models come from this hub alone, as files that it laid out.
    allowRemoteModels: false,
    allowLocalModels: true,
    useFSCache: false,
    useBrowserCache: false,
    useWasmCache: false,
    // Of an input that fails it would write the whole of it.
    logLevel: 50,
    fetch: () => Promise.reject(new Error('Models are not fetched from anywhere.')),
  })
  return library
}

/** Tiny models in ONNX, made on the spot, whose answers can be told beforehand: each word has its own weights, and no layer hides them. */
import { node, onnxFile, tensor, value } from './onnx-writer.ts'

/** Files of a model, by path. */
export type ModelFiles = Readonly<Record<string, Buffer>>

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const
export const words = [
  ...special,
  ...['the', 'cat', 'dog', 'sat', 'good', 'bad', 'paris', 'ada', 'is', 'in', 'lives', 'where', '?', '.', 'a', 'b', 'c'],
  ...['d', 'e', 'this', 'example', 'animal', 'city', 'sum', 'up', ':'],
] as const
export const idOf = (word: (typeof words)[number]): number => words.indexOf(word)

const json = (content: unknown): Buffer => Buffer.from(JSON.stringify(content))

/** A tokenizer of whole words, with the marks of BERT around them unless said. */
export function tokenizer(
  options: { readonly isPlain?: boolean; readonly template?: string; readonly most?: number } = {},
): ModelFiles {
  const piece = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } })
  const sequence = (id: 'A' | 'B', type: number) => ({ Sequence: { id, type_id: type } })
  const marks = ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [words.indexOf(id as '[CLS]')], tokens: [id] }])
  return {
    'tokenizer.json': json({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: special.map((content, id) => ({
        ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
      })),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor:
        options.isPlain === true
          ? null
          : {
              type: 'TemplateProcessing',
              single: [piece('[CLS]', 0), sequence('A', 0), piece('[SEP]', 0)],
              pair: [piece('[CLS]', 0), sequence('A', 0), piece('[SEP]', 0), sequence('B', 1), piece('[SEP]', 1)],
              special_tokens: Object.fromEntries(marks),
            },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      },
    }),
    'tokenizer_config.json': json({
      tokenizer_class: 'BertTokenizer',
      model_max_length: options.most ?? 64,
      do_lower_case: true,
      ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]', mask_token: '[MASK]' },
      ...(options.isPlain === true ? { eos_token: '[SEP]' } : {}),
      ...(options.template === undefined ? {} : { chat_template: options.template }),
    }),
  }
}

const ids = (name: string) => value(name, 'int64', ['batch', 'length'])
const textInputs = [ids('input_ids'), ids('attention_mask'), ids('token_type_ids')]
const bert = (more: object) =>
  json({ model_type: 'bert', hidden_size: 8, vocab_size: words.length, max_position_embeddings: 64, ...more })

/** One row for each word: `of` says it. */
function rows(width: number, of: (word: string, id: number) => ArrayLike<number>): Float32Array {
  const data = new Float32Array(words.length * width)
  words.forEach((word, id) => {
    data.set(of(word, id), id * width)
  })
  return data
}

/** Numbers that look random and are the same each time. */
export function scattered(count: number, seed = 1): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  })
}

export const embeddingWidth = 8
export const embeddingTable = scattered(words.length * embeddingWidth)

/** A sentence embedding: the mean of the rows of its words. `pad`: bytes of weights that do nothing, to be large. */
export function embeddingModel(options: { readonly pad?: number; readonly isNormalized?: boolean } = {}): ModelFiles {
  const pad = options.pad ?? 0
  return {
    ...tokenizer(),
    'config.json': bert({ architectures: ['BertModel'] }),
    ...(options.isNormalized === true
      ? {
          'modules.json': json([
            { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
            { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
            { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
          ]),
          '1_Pooling/config.json': json({ word_embedding_dimension: 8, pooling_mode_mean_tokens: true }),
        }
      : {}),
    'onnx/model.onnx': onnxFile({
      inputs: textInputs,
      outputs: [value('last_hidden_state', 'float', ['batch', 'length', embeddingWidth])],
      weights: [
        tensor('table', [words.length, embeddingWidth], embeddingTable),
        ...(pad > 0 ? [tensor('pad', [pad >> 2], scattered(pad >> 2))] : []),
      ],
      nodes: [
        node('Gather', ['table', 'input_ids'], ['rows']),
        // Weights that no operator asks for would be dropped.
        ...(pad > 0
          ? [
              node('ReduceMin', ['pad'], ['least'], { keepdims: 0 }),
              node('Sub', ['least', 'least'], ['nothing']),
              node('Add', ['rows', 'nothing'], ['last_hidden_state']),
            ]
          : [node('Identity', ['rows'], ['last_hidden_state'])]),
      ],
    }),
  }
}

const labels = (...names: readonly string[]) => ({
  id2label: Object.fromEntries(names.map((name, id) => [id, name])),
  label2id: Object.fromEntries(names.map((name, id) => [name, id])),
})
const oneHot = (width: number, at: number | null, by = 8): Float32Array =>
  Float32Array.from({ length: width }, (_, index) => (index === at ? by : 0))

/** Of a whole sentence: the sum over its words. */
function sentenceModel(
  name: string,
  width: number,
  of: (word: string) => ArrayLike<number>,
  config: object,
): ModelFiles {
  return {
    ...tokenizer(),
    'config.json': bert({ architectures: [name], ...config }),
    'onnx/model.onnx': onnxFile({
      inputs: textInputs,
      outputs: [value('logits', 'float', ['batch', width])],
      weights: [tensor('table', [words.length, width], rows(width, of)), tensor('axis', [1], BigInt64Array.of(1n))],
      nodes: [
        node('Gather', ['table', 'input_ids'], ['rows']),
        node('ReduceSum', ['rows', 'axis'], ['logits'], { keepdims: 0 }),
      ],
    }),
  }
}

/** "good" is POSITIVE, "bad" NEGATIVE. */
export function sentimentModel(): ModelFiles {
  const of = (word: string) => oneHot(2, word === 'good' ? 1 : word === 'bad' ? 0 : null, 4)
  return sentenceModel('BertForSequenceClassification', 2, of, labels('NEGATIVE', 'POSITIVE'))
}

/** A cat follows from an animal, and Paris from a city: each adds up. */
export function entailmentModel(): ModelFiles {
  const of = (word: string) => oneHot(3, word === 'animal' ? 2 : word === 'city' ? 0 : null, 2)
  return sentenceModel('BertForSequenceClassification', 3, of, labels('contradiction', 'neutral', 'entailment'))
}

/** Of each word. */
function wordModel(
  name: string,
  outputs: Readonly<Record<string, (word: string) => number | ArrayLike<number>>>,
  config: object,
): ModelFiles {
  const all = Object.entries(outputs).map(([output, of]) => {
    const width = typeof of('a') === 'number' ? null : (of('a') as ArrayLike<number>).length
    return {
      output,
      width,
      data: rows(width ?? 1, (word) =>
        [of(word)].flatMap((one) => (typeof one === 'number' ? [one] : Array.from(one))),
      ),
    }
  })
  return {
    ...tokenizer(),
    'config.json': bert({ architectures: [name], ...config }),
    'onnx/model.onnx': onnxFile({
      inputs: textInputs,
      outputs: all.map(({ output, width }) =>
        value(output, 'float', ['batch', 'length', ...(width === null ? [] : [width])]),
      ),
      weights: all.map(({ output, width, data }) =>
        tensor(`table of ${output}`, [words.length, ...(width === null ? [] : [width])], data),
      ),
      nodes: all.map(({ output }) => node('Gather', [`table of ${output}`, 'input_ids'], [output])),
    }),
  }
}

/** Ada is a person, Paris a place. */
export function entityModel(): ModelFiles {
  const at = (word: string) => (word === 'ada' ? 1 : word === 'paris' ? 2 : 0)
  return wordModel(
    'BertForTokenClassification',
    { logits: (word) => oneHot(3, at(word)) },
    labels('O', 'B-PER', 'B-LOC'),
  )
}

/** What is missing is "cat", or else "dog". */
export function maskModel(): ModelFiles {
  const of = (word: string) => {
    const row = oneHot(words.length, word === '[MASK]' ? idOf('cat') : null)
    if (word === '[MASK]') row[idOf('dog')] = 6
    return row
  }
  return wordModel('BertForMaskedLM', { logits: of }, {})
}

/** Every question is answered by "Paris". */
export function answerModel(): ModelFiles {
  const of = (word: string) => (word === 'paris' ? 9 : 0)
  return wordModel('BertForQuestionAnswering', { start_logits: of, end_logits: of }, {})
}

/** Which of red, green and blue there is most of in a picture. */
export function colourModel(): ModelFiles {
  return {
    'config.json': json({
      model_type: 'vit',
      architectures: ['ViTForImageClassification'],
      hidden_size: 8,
      ...labels('red', 'green', 'blue'),
    }),
    'preprocessor_config.json': json({
      image_processor_type: 'ViTImageProcessor',
      ...{ do_resize: true, size: { height: 8, width: 8 }, resample: 2 },
      ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: false },
    }),
    'onnx/model.onnx': onnxFile({
      inputs: [value('pixel_values', 'float', ['batch', 3, 8, 8])],
      outputs: [value('logits', 'float', ['batch', 3])],
      weights: [],
      nodes: [
        node('GlobalAveragePool', ['pixel_values'], ['means']),
        node('Flatten', ['means'], ['logits'], { axis: 1 }),
      ],
    }),
  }
}

/** A PNG of one red point. */
export const redPoint = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

const alphabet = ['a', 'b', 'c', 'd', 'e'] as const
/** After each letter comes the next one, and after the last a full stop, which is the end unless `isEndless`. */
function following(isEndless: boolean): Float32Array {
  return rows(words.length, (word) => {
    const at = (alphabet as readonly string[]).indexOf(word)
    const next = at < 0 ? 'a' : (alphabet[at + 1] ?? (isEndless ? 'a' : '[SEP]'))
    return oneHot(words.length, idOf(next))
  })
}

const heads = 1
const headWidth = 4
const past = (name: string, length: string) => value(name, 'float', ['batch', heads, length, headWidth])

/** Text that goes on with the alphabet. */
export function alphabetModel(
  options: { readonly isEndless?: boolean; readonly template?: string; readonly most?: number } = {},
): ModelFiles {
  const most = options.most ?? 64
  const template =
    options.template ??
    "{% for m in messages %}{{ m['content'] }} {% endfor %}{% if add_generation_prompt %}{% endif %}"
  return {
    ...tokenizer({ isPlain: true, template, most }),
    'config.json': json({
      model_type: 'gpt2',
      architectures: ['GPT2LMHeadModel'],
      ...{ n_embd: heads * headWidth, n_head: heads, n_layer: 1, n_positions: most, n_ctx: most },
      ...{ vocab_size: words.length, bos_token_id: idOf('[CLS]'), eos_token_id: idOf('[SEP]') },
    }),
    'generation_config.json': json({ eos_token_id: idOf('[SEP]'), bos_token_id: idOf('[CLS]'), pad_token_id: 0 }),
    'onnx/model.onnx': onnxFile({
      inputs: [
        ids('input_ids'),
        value('attention_mask', 'int64', ['batch', 'total']),
        ids('position_ids'),
        past('past_key_values.0.key', 'past'),
        past('past_key_values.0.value', 'past'),
      ],
      outputs: [
        value('logits', 'float', ['batch', 'length', words.length]),
        past('present.0.key', 'total'),
        past('present.0.value', 'total'),
      ],
      weights: [
        tensor('table', [words.length, words.length], following(options.isEndless ?? false)),
        tensor('nothing', [words.length, headWidth], new Float32Array(words.length * headWidth)),
        tensor('axis', [1], BigInt64Array.of(1n)),
      ],
      nodes: [
        node('Gather', ['table', 'input_ids'], ['logits']),
        node('Gather', ['nothing', 'input_ids'], ['flat']),
        node('Unsqueeze', ['flat', 'axis'], ['new']),
        node('Concat', ['past_key_values.0.key', 'new'], ['present.0.key'], { axis: 2 }),
        node('Concat', ['past_key_values.0.value', 'new'], ['present.0.value'], { axis: 2 }),
      ],
    }),
  }
}

/** Whatever it reads, it writes the alphabet: a summary, or a translation. */
export function rewritingModel(): ModelFiles {
  const cache = (of: string, length: string) => past(`past_key_values.0.${of}`, length)
  const kinds = ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value'] as const
  return {
    ...tokenizer(),
    'config.json': json({
      model_type: 't5',
      architectures: ['T5ForConditionalGeneration'],
      is_encoder_decoder: true,
      ...{ d_model: heads * headWidth, d_kv: headWidth, num_heads: heads, num_layers: 1, num_decoder_layers: 1 },
      ...{ vocab_size: words.length, decoder_start_token_id: 0, pad_token_id: 0, eos_token_id: idOf('[SEP]') },
    }),
    'generation_config.json': json({ decoder_start_token_id: 0, pad_token_id: 0, eos_token_id: idOf('[SEP]') }),
    'onnx/encoder_model.onnx': onnxFile({
      inputs: [ids('input_ids'), ids('attention_mask')],
      outputs: [value('last_hidden_state', 'float', ['batch', 'length', headWidth])],
      weights: [tensor('table', [words.length, headWidth], scattered(words.length * headWidth))],
      nodes: [node('Gather', ['table', 'input_ids'], ['last_hidden_state'])],
    }),
    'onnx/decoder_model_merged.onnx': onnxFile({
      inputs: [
        value('encoder_attention_mask', 'int64', ['batch', 'read']),
        ids('input_ids'),
        value('encoder_hidden_states', 'float', ['batch', 'read', headWidth]),
        ...kinds.map((kind) => cache(kind, kind.startsWith('decoder') ? 'past' : 'past of read')),
        value('use_cache_branch', 'bool', [1]),
      ],
      outputs: [
        value('logits', 'float', ['batch', 'length', words.length]),
        ...kinds.map((kind) => past(`present.0.${kind}`, `total of ${kind}`)),
      ],
      weights: [
        tensor('table', [words.length, words.length], following(false)),
        tensor('nothing', [words.length, headWidth], new Float32Array(words.length * headWidth)),
        tensor('axis', [1], BigInt64Array.of(1n)),
      ],
      nodes: [
        node('Gather', ['table', 'input_ids'], ['logits']),
        node('Gather', ['nothing', 'input_ids'], ['flat']),
        node('Unsqueeze', ['flat', 'axis'], ['new']),
        ...kinds.map((kind) =>
          kind.startsWith('decoder')
            ? node('Concat', [`past_key_values.0.${kind}`, 'new'], [`present.0.${kind}`], { axis: 2 })
            : node('Unsqueeze', ['encoder_hidden_states', 'axis'], [`present.0.${kind}`]),
        ),
      ],
    }),
  }
}

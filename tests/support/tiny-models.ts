/** Tiny models in ONNX, made on the spot, whose answers can be told beforehand: each word has its own weights, and no layer hides them. */
import { node, onnxFile, tensor, value, type Weights } from './onnx-writer.ts'

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
function tokenizer(options: { readonly isPlain?: boolean; readonly template?: string; readonly most?: number } = {}): ModelFiles {
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
function rows(width: number, of: (word: string, id: number) => readonly number[]): Float32Array {
  const data = new Float32Array(words.length * width)
  words.forEach((word, id) => data.set(of(word, id), id * width))
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

/** The words of tags that mean the same on every hub: tasks, libraries, licences, sizes. Data, for `GET /api/models-tags-by-type`. */
const tasks =
  'text-classification token-classification table-question-answering question-answering zero-shot-classification translation summarization feature-extraction text-generation fill-mask sentence-similarity text-to-speech text-to-audio automatic-speech-recognition audio-to-audio audio-classification audio-text-to-text voice-activity-detection depth-estimation image-classification object-detection image-segmentation text-to-image image-to-text image-to-image image-to-video unconditional-image-generation video-classification reinforcement-learning robotics tabular-classification tabular-regression time-series-forecasting visual-question-answering document-question-answering zero-shot-image-classification graph-ml mask-generation zero-shot-object-detection text-to-3d image-to-3d image-feature-extraction image-text-to-text visual-document-retrieval text-ranking any-to-any other'
const libraries =
  'pytorch tf jax transformers diffusers sentence-transformers safetensors onnx gguf peft keras timm adapters spacy flair sklearn fastai stable-baselines3 speechbrain espnet nemo paddlenlp fasttext setfit span-marker open_clip mlx transformers.js'
const licences =
  'apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause cc cc0-1.0 cc-by-2.0 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-4.0 cc-by-nc-sa-4.0 cdla-permissive-2.0 epl-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc mpl-2.0 ms-pl odc-by odbl ofl-1.1 pddl unlicense wtfpl zlib llama2 llama3 llama3.1 llama3.2 llama3.3 gemma unknown other'
const sizes = [
  'n<1K',
  '1K<n<10K',
  '10K<n<100K',
  '100K<n<1M',
  '1M<n<10M',
  '10M<n<100M',
  '100M<n<1B',
  '1B<n<10B',
  '10B<n<100B',
  '100B<n<1T',
  'n>1T',
]

export interface TagWord {
  readonly id: string
  readonly label: string
  readonly type: string
}

export function tagsByType(kind: 'model' | 'dataset'): Readonly<Record<string, readonly TagWord[]>> {
  const license = ofType('license', licences.split(' '), 'license:')
  if (kind === 'model') {
    return {
      pipeline_tag: ofType('pipeline_tag', tasks.split(' ')),
      library: ofType('library', libraries.split(' ')),
      license,
    }
  }
  return {
    task_categories: ofType('task_categories', tasks.split(' '), 'task_categories:'),
    size_categories: ofType('size_categories', sizes, 'size_categories:'),
    license,
  }
}

function ofType(type: string, words: readonly string[], prefix = ''): TagWord[] {
  return words.map((word) => ({ id: `${prefix}${word}`, label: word, type }))
}

/** A list of words that repos are filtered by, with its name in words.  */
export interface TagGroup {
  readonly label: string
  readonly words: readonly TagWord[]
}

/** Of `card.ts`: a model has its languages bare, a dataset and a space behind `language:`. */
const languages =
  'en de fr es it pt nl pl cs sv da no fi el tr ru uk ar he fa hi bn ur ta te th vi id ms zh ja ko multilingual'.split(
    ' ',
  )

/** What the form over a list offers; anything else is typed as a tag. */
export function tagGroups(kind: 'model' | 'dataset' | 'space'): readonly TagGroup[] {
  const license = { label: 'Licence', words: ofType('license', licences.split(' '), 'license:') }
  const language = { label: 'Language', words: languageWords(kind === 'model' ? '' : 'language:') }
  if (kind === 'space') return [license]
  if (kind === 'dataset') {
    return [
      { label: 'Task', words: ofType('task_categories', tasks.split(' '), 'task_categories:') },
      { label: 'Size', words: ofType('size_categories', sizes, 'size_categories:') },
      language,
      license,
    ]
  }
  return [
    { label: 'Task', words: ofType('pipeline_tag', tasks.split(' ')) },
    { label: 'Library', words: ofType('library', libraries.split(' ')) },
    language,
    license,
  ]
}

function languageWords(prefix: string): TagWord[] {
  const names = new Intl.DisplayNames('en', { type: 'language' })
  const word = (code: string) => (code === 'multilingual' ? 'multilingual' : `${names.of(code)} (${code})`)
  return languages.map((code) => ({ id: `${prefix}${code}`, label: word(code), type: 'language' }))
}

/** What can be asked of models: the paths of OpenAI's API, and the tasks of the classic API that servers are asked for. */

export const openAiPaths = ['chat/completions', 'completions', 'embeddings', 'responses'] as const
export type OpenAiPath = (typeof openAiPaths)[number]

export const classicTasks = [
  'feature-extraction',
  'sentence-similarity',
  'text-generation',
  'text-classification',
  'sentence-ranking',
  'automatic-speech-recognition',
] as const
export type ClassicTask = (typeof classicTasks)[number]

/** Viewers of files: what the pages of a repo show of a table, of weights, of a notebook, of code. */
export type { Format } from './job.ts'
export { languageOf } from './languages.ts'
export type { Shown, ShownCell, ShownNotebook, ShownTable, ShownTensors } from './shown.ts'
export { formatOf, highlight, viewFile } from './view-file.ts'

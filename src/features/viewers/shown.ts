/** What a viewer makes of a file. Texts are as they stand in the file, cut to length; `Html` was escaped where it was made, by `escape.ts`. */

/** Up to `rowsAtOnce` rows. */
export interface ShownTable {
  readonly kind: 'table'
  readonly columns: readonly { readonly name: string; readonly type: string | null }[]
  /** The rows of the body of a table, each with its number before it. */
  readonly bodyHtml: string
  readonly rows: number
  readonly from: number
  /** What `from` is for the next rows, or null. */
  readonly next: number | null
  /** Rows of the file, where that is known. */
  readonly total: number | null
  /** What the reader should know of what is shown, in sentences. */
  readonly notes: readonly string[]
}

/** The header of a file of weights. */
export interface ShownTensors {
  readonly kind: 'tensors'
  /** `safetensors`, `GGUF, version 3`. */
  readonly format: string
  readonly parameters: number
  readonly byType: readonly { readonly dtype: string; readonly parameters: number }[]
  readonly metadata: readonly { readonly key: string; readonly value: string }[]
  readonly metadataTotal: number
  /** Rows of name, type, shape and bytes. */
  readonly bodyHtml: string
  readonly rows: number
  readonly from: number
  readonly next: number | null
  readonly total: number
  readonly notes: readonly string[]
}

export type ShownCell =
  | { readonly kind: 'markdown'; readonly text: string }
  | {
      readonly kind: 'code'
      readonly count: number | null
      readonly html: string
      readonly outputs: readonly ShownOutput[]
    }

export type ShownOutput =
  | { readonly kind: 'text'; readonly text: string; readonly isError: boolean }
  /** What is there and not shown, in a sentence. */
  | { readonly kind: 'left out'; readonly what: string }

export interface ShownNotebook {
  readonly kind: 'notebook'
  readonly cells: readonly ShownCell[]
  readonly from: number
  readonly next: number | null
  readonly total: number
}

/** Lines with their colours, as rows with line numbers. */
export interface ShownCode {
  readonly kind: 'code'
  readonly bodyHtml: string
}

export type Shown = ShownTable | ShownTensors | ShownNotebook | ShownCode

/** The file is not what its name says, or more than is read: in a sentence, for the reader of the page. */
export class NotShown extends Error {}

/** Bytes of the file, by range; counts what it reads and throws `NotShown` where that is too much. */
export interface Source {
  readonly size: number
  /** The bytes from `from` up to `to`, fewer where the file ends. */
  read(from: number, to: number): Promise<Uint8Array>
}

/* Tables, tensors and notebooks, as the viewers give them. */
import { markSanitized, RawHtml, type SafeHtml } from '../../web/raw-html.tsx'
import { countWords } from '../../web/size.ts'
import type { ShownCell, ShownNotebook, ShownTable, ShownTensors } from '../viewers/service.ts'

type CodeCell = Extract<ShownCell, { kind: 'code' }>

export type DrawnCell =
  /** `html` is null where the text is shown as it was written. */
  | { readonly kind: 'markdown'; readonly text: string; readonly html: SafeHtml | null }
  | (Omit<CodeCell, 'html'> & { readonly html: SafeHtml })

export type DrawnNotebook = Omit<ShownNotebook, 'cells'> & { readonly cells: readonly DrawnCell[] }

type Part = { readonly from: number; readonly next: number | null; readonly total: number | null }

/** `place`: the address of this view, without what it begins with. */
function Pages(props: { part: Part; rows: number; what: string; place: string }) {
  const { part, rows, what, place } = props
  const last = part.from + rows
  const all = part.total === null ? '' : ` of ${countWords(part.total)}`
  const next = part.next === null ? null : `${place}${place.includes('?') ? '&' : '?'}from=${part.next}`
  return (
    <nav
      class="px-4 py-2 min-h-12 border-t border-line flex flex-wrap items-center gap-3 text-sm text-muted"
      aria-label={`More ${what.toLowerCase()}`}
    >
      <span class="num">
        {rows === 0 ? `No ${what.toLowerCase()} here` : `${what} ${countWords(part.from + 1)} to ${countWords(last)}`}
        {all}
      </span>
      <span class="flex gap-2 ml-auto">
        {part.from > 0 && (
          <a class="btn btn-sm btn-line" href={place}>
            First
          </a>
        )}
        {next !== null && (
          <a class="btn btn-sm btn-line" href={next} rel="next">
            Next
          </a>
        )}
      </span>
    </nav>
  )
}

function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null
  return (
    <ul class="px-4 py-2 text-sm text-muted border-b border-line [overflow-wrap:anywhere]">
      {notes.map((note) => (
        <li>{note}</li>
      ))}
    </ul>
  )
}

export function TableView({ table, name, place }: { table: ShownTable; name: string; place: string }) {
  return (
    <>
      <Notes notes={table.notes} />
      {table.columns.length > 0 && (
        <section class="scroll-x" tabindex={0} aria-label={`Rows of ${name}`}>
          <table class="cells">
            <caption class="sr-only">Rows of {name}</caption>
            <thead>
              <tr>
                <th scope="col">
                  <span class="sr-only">Row</span>
                </th>
                {table.columns.map((column) => (
                  <th scope="col" title={column.name}>
                    {column.name}
                    {column.type !== null && <small>{column.type}</small>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {/* Made by the viewer, of escaped texts and its own tags alone. */}
              <RawHtml html={markSanitized(table.bodyHtml)} />
            </tbody>
          </table>
        </section>
      )}
      <Pages part={table} rows={table.rows} what="Rows" place={place} />
    </>
  )
}

export function TensorsView({ tensors, name, place }: { tensors: ShownTensors; name: string; place: string }) {
  const isIndex = tensors.byType.length === 0
  return (
    <>
      <Notes notes={tensors.notes} />
      <div class="p-4">
        <dl class="facts">
          <dt>Format</dt>
          <dd>{tensors.format}</dd>
          <dt>Tensors</dt>
          <dd class="num">{countWords(tensors.total)}</dd>
          {!isIndex && (
            <>
              <dt>Parameters</dt>
              <dd class="num">
                {countWords(tensors.parameters)}
                {tensors.byType.length > 0 && (
                  <span class="text-muted">
                    {' '}
                    ({tensors.byType.map(({ dtype, parameters }) => `${dtype} ${countWords(parameters)}`).join(', ')})
                  </span>
                )}
              </dd>
            </>
          )}
        </dl>
        {tensors.metadata.length > 0 && (
          <details class="pt-3" open={tensors.metadata.length <= 12}>
            <summary>Metadata ({countWords(tensors.metadataTotal)})</summary>
            <dl class="facts pt-2">
              {tensors.metadata.map(({ key, value }) => (
                <>
                  <dt class="[overflow-wrap:anywhere]">
                    <code>{key}</code>
                  </dt>
                  <dd class="whitespace-pre-wrap">{value}</dd>
                </>
              ))}
            </dl>
            {tensors.metadataTotal > tensors.metadata.length && (
              <p class="pt-2 text-sm text-muted">
                {countWords(tensors.metadataTotal - tensors.metadata.length)} more keys are not shown.
              </p>
            )}
          </details>
        )}
      </div>
      {tensors.rows > 0 && (
        <section class="scroll-x border-t border-line" tabindex={0} aria-label={`Tensors of ${name}`}>
          <table class="cells cells-named">
            <caption class="sr-only">Tensors of {name}</caption>
            <thead>
              <tr>
                <th scope="col">Tensor</th>
                {isIndex ? (
                  <th scope="col">File</th>
                ) : (
                  <>
                    <th scope="col">Type</th>
                    <th scope="col">Shape</th>
                    <th scope="col" class="num">
                      Bytes
                    </th>
                  </>
                )}
              </tr>
            </thead>
            <tbody>
              {/* Made by the viewer, of escaped texts and its own tags alone. */}
              <RawHtml html={markSanitized(tensors.bodyHtml)} />
            </tbody>
          </table>
        </section>
      )}
      <Pages part={tensors} rows={tensors.rows} what="Tensors" place={place} />
    </>
  )
}

export function NotebookView({ notebook, place }: { notebook: DrawnNotebook; place: string }) {
  return (
    <>
      <div class="p-4 grid gap-4 min-w-0">
        {notebook.cells.map((cell, index) => (
          <Cell cell={cell} number={notebook.from + index + 1} />
        ))}
      </div>
      <Pages part={notebook} rows={notebook.cells.length} what="Cells" place={place} />
    </>
  )
}

function Cell({ cell, number }: { cell: DrawnCell; number: number }) {
  if (cell.kind === 'markdown') {
    if (cell.html === null) return <pre class="cell-pre whitespace-pre-wrap">{cell.text}</pre>
    return (
      <div class="card-text min-w-0">
        <RawHtml html={cell.html} />
      </div>
    )
  }
  return (
    <div class="grid gap-1 min-w-0">
      <p class="text-xs text-muted num">In [{cell.count ?? ' '}]</p>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms, and a section would be one more landmark for each cell */}
      <pre class="cell-pre" tabindex={0} role="group" aria-label={`Code of cell ${number}`}>
        <RawHtml html={cell.html} />
      </pre>
      {cell.outputs.map((output) =>
        output.kind === 'text' ? (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms, and a section would be one more landmark for each cell
          <pre
            class={output.isError ? 'cell-pre cell-out cell-error' : 'cell-pre cell-out'}
            tabindex={0}
            role="group"
            aria-label={`Output of cell ${number}`}
          >
            {output.text}
          </pre>
        ) : (
          <p class="cell-out px-3 text-sm text-muted">{output.what}</p>
        ),
      )}
    </div>
  )
}

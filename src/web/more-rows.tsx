/* Below a list: what is shown of how many, and the way further. Lists are keyed by their last row, never numbered. */
import { countWords } from './size.ts'

type MoreRowsProps = {
  /** "Newest first", "Most liked first". */
  order: string
  shown: number
  /** Left out where counting would cost more than it says. */
  total?: number | null
  /** The next rows; null on the last page. */
  olderHref: string | null
  /** Back to the first rows; null on the first page. */
  firstHref?: string | null
  /** "Older" for what is in order of time, "More" for what is not. */
  olderWord?: 'Older' | 'More'
}

export function MoreRows(props: MoreRowsProps) {
  return (
    <nav class="flex flex-wrap items-center gap-3 text-sm text-muted" aria-label="More rows">
      <span class="num">
        {props.order}, {countWords(props.shown)}
        {props.total !== undefined && props.total !== null && ` of ${countWords(props.total)}`}
      </span>
      {(props.firstHref || props.olderHref) && (
        <span class="flex gap-2 ml-auto">
          {props.firstHref && (
            <a class="btn btn-sm btn-line" href={props.firstHref}>
              First
            </a>
          )}
          {props.olderHref && (
            <a class="btn btn-sm btn-line" href={props.olderHref} rel="next">
              {props.olderWord ?? 'Older'}
            </a>
          )}
        </span>
      )}
    </nav>
  )
}

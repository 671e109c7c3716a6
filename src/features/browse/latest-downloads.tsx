/* Who downloaded an unsafe file, on its page. */
import { LinkButton } from '../../web/button.tsx'
import { DownloadTable, type DownloadView, type RecordMode, recordModeWords } from '../../web/download-table.tsx'

/** On the page of an unsafe file: the newest few, and the way to the rest. */
export function LatestDownloads(props: {
  records: readonly DownloadView[]
  /** Where all of them are. */
  allHref: string
  mode: RecordMode
}) {
  return (
    <section class="panel overflow-hidden" aria-labelledby="downloaded-h">
      <div class="panel-head">
        <h2 id="downloaded-h" class="text-base font-semibold">
          Who downloaded it
        </h2>
        <span class="ml-auto">
          <LinkButton href={props.allHref}>All downloads</LinkButton>
        </span>
      </div>
      {props.records.length === 0 ? (
        <p class="p-4 text-sm text-muted">Nothing is written down. {recordModeWords[props.mode]}</p>
      ) : (
        <DownloadTable records={props.records} />
      )}
    </section>
  )
}

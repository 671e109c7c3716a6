/* What the hub stores, for its administrators: counted when they ask, and what a collection would remove before it does. */
import { Button } from '../../web/button.tsx'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { countWords, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'

export const storagePath = hubSettingsPath('storage')

export type StorageCounts = readonly { label: string; about: string; count: number; bytes: number }[]

export type StorageView = {
  /** Where large files lie. */
  place: string
  /** When the collection runs next; null where it runs now or waits for nothing. */
  nextAt: number | null
  /** What was just asked for. */
  answer: { kind: 'stored' | 'plan'; counts: StorageCounts; isComplete: boolean } | null
}

/** Posts nothing to /admin/storage/count, /admin/storage/plan and /admin/storage/collect. */
export function StoragePage({ context, view }: { context: PageContext; view: StorageView }) {
  const { answer } = view
  return (
    <HubSettingsPage context={context} title="Storage of this hub" place="storage">
      <PageHead
        title="Storage"
        lede={`Large files lie ${view.place}. Who stores how much stands on the pages of organizations.`}
      />
      {answer?.isComplete === false && (
        <Notice kind="warning" standing={true}>
          There is too much to count it all in one answer: this is as far as it came in ten seconds. On the command line{' '}
          <code>holdfast storage</code> counts to the end.
        </Notice>
      )}
      <SettingsSection id="stored-h" title="Stored">
        <div class="p-4 grid gap-3">
          <p class="text-sm text-muted">
            What lies in the store in all, each piece once however many repositories hold it.
          </p>
          <form method="post" action={`${storagePath}/count`}>
            <Button icon="refresh-cw">Count what is stored</Button>
          </form>
        </div>
        {answer?.kind === 'stored' && <CountTable caption="Stored" counts={answer.counts} />}
      </SettingsSection>
      <SettingsSection id="collect-h" title="Garbage collection">
        <div class="p-4 grid gap-3">
          <p class="text-sm text-muted">
            Once a day the hub removes what no commit needs any more: uploads that were never committed after 28 days,
            and what lost its last commit after the time to undo it.{' '}
            {view.nextAt === null ? (
              'It is running, or about to.'
            ) : (
              <>
                The next time: <Time at={view.nextAt} />.
              </>
            )}
          </p>
          <div class="flex flex-wrap gap-2">
            <form method="post" action={`${storagePath}/plan`}>
              <Button icon="eye">See what would go</Button>
            </form>
            {answer?.kind === 'plan' && (
              <form method="post" action={`${storagePath}/collect`}>
                <Button look="danger" icon="trash-2">
                  Remove it now
                </Button>
              </form>
            )}
          </div>
        </div>
        {answer?.kind === 'plan' && <CountTable caption="What would go" counts={answer.counts} />}
      </SettingsSection>
    </HubSettingsPage>
  )
}

function CountTable(props: { caption: string; counts: StorageCounts }) {
  return (
    <Rows
      caption={props.caption}
      columns={[
        { label: props.caption },
        { label: 'How many', class: 'text-end' },
        { label: 'Size', class: 'text-end' },
      ]}
    >
      {props.counts.map(({ label, about, count, bytes }) => (
        <Row>
          <RowHead description={about}>{label}</RowHead>
          <Cell label="How many" class="text-end tabular-nums">
            {countWords(count)}
          </Cell>
          <Cell label="Size" class="text-end tabular-nums">
            {sizeWords(bytes)}
          </Cell>
        </Row>
      ))}
    </Rows>
  )
}

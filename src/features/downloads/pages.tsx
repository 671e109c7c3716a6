/* Who downloaded it: of one content on the hub or from an organization, and of a repository. */
import type { Child } from 'hono/jsx'
import { repoId } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { DownloadTable, type DownloadView, type RecordMode, recordModeWords } from '../../web/download-table.tsx'
import { Empty } from '../../web/empty.tsx'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'

type ListProps = {
  records: readonly DownloadView[]
  olderHref: string | null
  firstHref: string | null
  /** What this hub writes down. */
  mode: RecordMode
}

type ContentProps = ListProps & {
  context: PageContext
  content: string
  exportHref: string
  /** False where more repositories hold it than were searched for fetches by git. */
  isComplete: boolean
}

/** All that is known on the hub. */
export function HubDownloadsPage(props: ContentProps) {
  return (
    <HubSettingsPage context={props.context} title={`Who downloaded ${props.content}`} place="held">
      <ContentDownloads {...props} whence="this hub" />
    </HubSettingsPage>
  )
}

export function OrganizationDownloadsPage(props: ContentProps & { organization: string }) {
  const { organization } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Who downloaded ${props.content} from ${organization}`}
      place="scanning"
      crumbs={[
        { label: 'Unsafe files', href: organizationSettingsPath(organization, 'scanning/held') },
        { label: 'Downloads' },
      ]}
    >
      <ContentDownloads {...props} whence={`the repositories of ${organization}`} />
    </OrganizationSettingsPage>
  )
}

function ContentDownloads(props: ContentProps & { whence: string }) {
  return (
    <>
      <PageHead
        title="Who downloaded it"
        lede={
          <>
            From {props.whence}: <code class="wrap-anywhere">{props.content}</code>
          </>
        }
        action={
          props.records.length > 0 ? (
            <LinkButton icon="download" href={props.exportHref}>
              Export
            </LinkButton>
          ) : undefined
        }
      />
      {!props.isComplete && (
        <Notice kind="warning" standing={true}>
          More repositories hold this file than were searched for clones. What was downloaded as a file is all here.
        </Notice>
      )}
      <List {...props} />
    </>
  )
}

function List(props: ListProps): Child {
  return (
    <>
      <p class="text-sm text-muted">{recordModeWords[props.mode]}</p>
      {props.records.length === 0 ? (
        <section class="panel">
          <Empty icon="download" title="No downloads">
            Nothing is written down of anybody who downloaded it.
          </Empty>
        </section>
      ) : (
        <div class="panel overflow-hidden">
          <DownloadTable records={props.records} />
        </div>
      )}
      {props.records.length > 0 && (
        <MoreRows
          order="Newest first"
          shown={props.records.length}
          olderHref={props.olderHref}
          firstHref={props.firstHref}
        />
      )}
    </>
  )
}

export function RepoDownloadsPage(props: ListProps & { context: PageContext; repo: RepoView }) {
  const { context, repo } = props
  return (
    <Page
      context={context}
      title={`Downloads of ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="trust" />}
    >
      <section aria-labelledby="downloads-h" class="grid gap-4">
        <div>
          <h2 id="downloads-h">Downloads</h2>
          <p class="lede">Who took what from this repository, with which credential, and from where.</p>
        </div>
        <List {...props} />
      </section>
    </Page>
  )
}

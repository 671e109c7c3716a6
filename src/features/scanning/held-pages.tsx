/* What is unsafe, of the hub and of an organization, and what was released: lists for administrators. Those of the hub release and hold again. */
import { repoId, repoPath, revisionPath } from '../../web/address.ts'
import { Badge, ScanBadge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextArea } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { downloadsOfOrganization, downloadsOnHub } from '../downloads/service.ts'
import { releasePath } from './held-paths.ts'
import type { HeldPlace, Release, UnsafeContent } from './list-held.ts'

type Paged = { olderHref: string | null; firstHref: string | null }

export type ReleaseDialog = { content: string; form: FormState }

/** Dialog at ?release={content}; posts `content` and `reason` to /admin/held/release. */
export function HubUnsafePage(
  props: Paged & { context: PageContext; contents: readonly UnsafeContent[]; dialog: ReleaseDialog | null },
) {
  return (
    <HubSettingsPage
      context={props.context}
      title="Unsafe files of this hub"
      place="held"
      dialog={props.dialog && <ReleaseDialogBox {...props.dialog} />}
    >
      <PageHead
        title="Unsafe files"
        lede="What scanners found unsafe, wherever it lies. A file is held where the policy of this hub or of the organization says so."
      />
      <UnsafeTable {...props} caption="Unsafe files of this hub" organization={null} />
    </HubSettingsPage>
  )
}

function ReleaseDialogBox({ content, form }: ReleaseDialog) {
  return (
    <Dialog
      title="Release this file"
      closeHref={hubSettingsPath('held')}
      action={hubSettingsPath('held/release')}
      submit={<Button look="error">Release file</Button>}
    >
      <FormProblem form={form} />
      <input type="hidden" name="content" value={content} />
      <p class="text-sm text-muted">
        Everybody who may read a repository that holds it can download it again, everywhere on this hub. What scanners
        found stays shown.
      </p>
      <p class="text-sm">
        <code class="wrap-anywhere">{content}</code>
      </p>
      <TextArea
        form={form}
        name="reason"
        label="Reason"
        rows={3}
        maxlength={2_000}
        help="Stands in the audit log and beside the release."
      />
    </Dialog>
  )
}

export function OrganizationUnsafePage(
  props: Paged & { context: PageContext; organization: string; contents: readonly UnsafeContent[] },
) {
  const { organization } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Unsafe files of ${organization}`}
      place="scanning"
      crumbs={[
        { label: 'Scanning and quarantine', href: organizationSettingsPath(organization, 'scanning') },
        { label: 'Unsafe files' },
      ]}
    >
      <PageHead
        title="Unsafe files"
        lede={`What scanners found unsafe in the repositories of ${organization}. An administrator of this hub can release a file.`}
      />
      <UnsafeTable {...props} caption={`Unsafe files of ${organization}`} />
    </OrganizationSettingsPage>
  )
}

function UnsafeTable(
  props: Paged & { caption: string; organization: string | null; contents: readonly UnsafeContent[] },
) {
  const { contents, organization } = props
  if (contents.length === 0 && props.olderHref === null) {
    return (
      <section class="panel">
        <Empty icon="shield-check" title="Nothing unsafe">
          What scanners find unsafe stands here, with the repositories that hold it and who downloaded it.
        </Empty>
      </section>
    )
  }
  return (
    <>
      <section class="panel" aria-label={props.caption}>
        <Rows
          caption={`${props.caption}, newest first`}
          columns={[
            { label: 'File' },
            { label: 'Found' },
            { label: 'State' },
            { label: 'Since' },
            { label: 'Actions', silent: true, class: 'end' },
          ]}
        >
          {contents.map((content) => (
            <Row>
              <FileHead {...content} />
              <Cell label="Found" class="align-top! items-start!">
                <ul class="grid gap-1">
                  {content.found.map(({ scanner, message }) => (
                    <li class="wrap-anywhere">
                      {scanner}: {message ?? 'unsafe'}
                    </li>
                  ))}
                </ul>
              </Cell>
              <Cell label="State" class="align-top! items-start!">
                <State {...content} />
              </Cell>
              <Cell label="Since" class="nowrap text-muted align-top! items-start!">
                <Time at={content.foundAt} />
              </Cell>
              <Cell class="end align-top! items-start!">
                <span class="inline-flex flex-wrap gap-2 justify-end">
                  <LinkButton
                    href={
                      organization === null
                        ? downloadsOnHub(content.content)
                        : downloadsOfOrganization(organization, content.content)
                    }
                    label={`Downloads of ${nameOf(content)}`}
                  >
                    Downloads
                  </LinkButton>
                  {organization === null && !content.isReleased && (
                    <LinkButton
                      look="danger"
                      href={releasePath(content.content)}
                      dialog={true}
                      label={`Release ${nameOf(content)}`}
                    >
                      Release
                    </LinkButton>
                  )}
                </span>
              </Cell>
            </Row>
          ))}
        </Rows>
      </section>
      <MoreRows order="Newest first" shown={contents.length} olderHref={props.olderHref} firstHref={props.firstHref} />
    </>
  )
}

function State({ isReleased, places }: Pick<UnsafeContent, 'isReleased' | 'places'>) {
  if (isReleased) return <Badge icon="shield-check">released</Badge>
  const held = places.filter(({ isHeld }) => isHeld).length
  if (held === 0) return <span class="text-muted">shown as unsafe, not held</span>
  return (
    <span class="grid gap-1 justify-items-start">
      <ScanBadge status="held" />
      {held < places.length && <span class="text-xs text-muted">not in every repository</span>}
    </span>
  )
}

/** By its path where one is known, with the repositories that hold it. */
function FileHead(props: { content: string; size?: number; places: readonly HeldPlace[]; hasMore: boolean }) {
  const { content, size, places, hasMore } = props
  return (
    <RowHead description={size === undefined ? content : `${content}, ${sizeWords(size)}`}>
      {places.length === 0 && <span class="text-muted">in no repository any more</span>}
      {places.map((place) => (
        <span class="block wrap-anywhere">
          <a class="quiet" href={hrefOf(place)}>
            {repoId(place)}
          </a>
          {place.path === null ? <span class="text-muted"> in its history</span> : `: ${place.path}`}
        </span>
      ))}
      {hasMore && <span class="block text-muted">and more</span>}
    </RowHead>
  )
}

function hrefOf(place: HeldPlace): string {
  return place.path === null ? repoPath(place) : revisionPath(place, 'blob', 'main', place.path)
}

function nameOf({ content, places }: { content: string; places: readonly HeldPlace[] }): string {
  const [first] = places
  return first === undefined ? content : (first.path ?? repoId(first))
}

/** Posts `content` to /admin/releases/hold. */
export function ReleasesPage(props: Paged & { context: PageContext; releases: readonly Release[] }) {
  const { releases } = props
  return (
    <HubSettingsPage context={props.context} title="Released files of this hub" place="releases">
      <PageHead
        title="Released files"
        lede="What administrators of this hub let out of quarantine, with their reasons. To hold a file again changes nothing of what scanners found."
      />
      {releases.length === 0 ? (
        <section class="panel">
          <Empty icon="shield-check" title="No releases">
            What you release from quarantine stands here, so that it can be held again.
          </Empty>
        </section>
      ) : (
        <>
          <section class="panel" aria-label="Released files">
            <Rows
              caption="Released files, newest first"
              columns={[
                { label: 'File' },
                { label: 'Reason' },
                { label: 'Released' },
                { label: 'Actions', silent: true, class: 'end' },
              ]}
            >
              {releases.map((release) => (
                <Row>
                  <FileHead {...release} />
                  <Cell label="Reason" class="align-top! items-start!">
                    <span class="wrap-anywhere">{release.reason}</span>
                    <span class="block text-xs text-muted">scanners say: {release.level}</span>
                  </Cell>
                  <Cell label="Released" class="text-muted align-top! items-start!">
                    <Time at={release.releasedAt} />
                    <span class="block text-xs">by {release.releasedBy ?? 'somebody who is gone'}</span>
                  </Cell>
                  <Cell class="end align-top! items-start!">
                    <form
                      class="inline-flex flex-wrap gap-2 justify-end"
                      method="post"
                      action={hubSettingsPath('releases/hold')}
                    >
                      <input type="hidden" name="content" value={release.content} />
                      <LinkButton href={downloadsOnHub(release.content)} label={`Downloads of ${nameOf(release)}`}>
                        Downloads
                      </LinkButton>
                      <Button look="danger" label={`Hold again: ${nameOf(release)}`}>
                        Hold again
                      </Button>
                    </form>
                  </Cell>
                </Row>
              ))}
            </Rows>
          </section>
          <MoreRows
            order="Newest first"
            shown={releases.length}
            olderHref={props.olderHref}
            firstHref={props.firstHref}
          />
        </>
      )}
    </HubSettingsPage>
  )
}

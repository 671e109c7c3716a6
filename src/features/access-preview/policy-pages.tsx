/* What a policy would have done with what was pushed of late, and would do with what lies there; and the way on to make the change. */
import type { Child } from 'hono/jsx'
import { repoId, repoPath } from '../../web/address.ts'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import { Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import type { AffectedModels } from '../model-signatures/service.ts'
import type { AffectedFiles, HoldEffect, UnsafeContent } from '../scanning/service.ts'
import { type AffectedPushers, daysLookedBack, type Pusher } from '../signatures/service.ts'
import { MakeTheChange, Rest } from './pages.tsx'
import type { PolicyPreview } from './try-policy.ts'

export type PolicyPreviewView = {
  /** What would be done, as a sentence. */
  sentence: string
  preview: PolicyPreview
  /** Where the change is made, with what its form sent. */
  action: string
  fields: Readonly<Record<string, string>>
  /** Where the form is. */
  backHref: string
}

/** Rows of a list on a page. */
export const mostShown = 100

export function RepoPolicyPreviewPage(props: { context: PageContext; repo: RepoView; view: PolicyPreviewView }) {
  const { context, repo } = props
  return (
    <Page
      context={context}
      title={`Who is affected: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-4xl">
        <Body {...props.view} />
      </div>
    </Page>
  )
}

export function OrganizationPolicyPreviewPage(props: {
  context: PageContext
  organization: string
  place: string
  placeLabel: string
  view: PolicyPreviewView
}) {
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={props.organization}
      title={`${props.view.preview.on === 'pushes' ? 'Who' : 'What'} is affected: ${props.organization}`}
      place={props.place}
      crumbs={[{ label: props.placeLabel, href: props.view.backHref }, { label: 'Preview' }]}
    >
      <Body {...props.view} />
    </OrganizationSettingsPage>
  )
}

function Body({ sentence, preview, ...change }: PolicyPreviewView) {
  return (
    <>
      <PageHead
        title={preview.on === 'pushes' ? 'Who is affected' : 'What is affected'}
        lede={`${sentence} Nothing is changed yet.`}
      />
      {preview.on === 'pushes' ? (
        <Pushes found={preview.found} isPartial={preview.isPartial} />
      ) : preview.on === 'files' ? (
        <Files found={preview.found} />
      ) : (
        <Models found={preview.found} namespace={preview.owner.name} />
      )}
      <MakeTheChange {...change} />
    </>
  )
}

function Pushes({ found, isPartial }: { found: AffectedPushers; isPartial: boolean }): Child {
  const { effect, pushers, pushes, failing, isWhole } = found
  if (effect === 'none') {
    return (
      <Nothing title="Nothing is refused">Pushes are taken whatever they bring, and nobody is told anything.</Nothing>
    )
  }
  const done = effect === 'refuse' ? 'refused' : 'warned about'
  return (
    <>
      <p class="text-sm">
        Of {counted(pushes, 'push', 'pushes')} in the last {daysLookedBack} days{' '}
        <b>{failing === 0 ? 'none' : failing.toLocaleString('en')}</b> would have been {done}, by{' '}
        {pushers.length === 0 ? 'nobody' : counted(pushers.length, 'account')}. Each is judged by its last commit.
        {!isWhole && ' There were more pushes; the newest were looked at.'}
      </p>
      {pushers.length === 0 ? (
        <Nothing title={effect === 'refuse' ? 'No push would have been refused' : 'Nobody would have been warned'}>
          Whoever pushed in the last {daysLookedBack} days could go on as before.
        </Nothing>
      ) : isPartial ? (
        <Notice kind="info" standing={true}>
          Who they are is told to those who administer the owner of this repository.
        </Notice>
      ) : (
        <SettingsSection
          id="pushers-h"
          title={effect === 'refuse' ? 'Would have been refused' : 'Would have been warned'}
        >
          <Rows
            caption={
              effect === 'refuse' ? 'Pushes that would have been refused' : 'Pushes that would have been warned about'
            }
            columns={[{ label: 'Who' }, { label: 'Pushes' }, { label: 'The last one' }, { label: 'Why' }]}
          >
            {pushers.slice(0, mostShown).map((pusher) => (
              <PusherRow {...pusher} />
            ))}
          </Rows>
          <Rest shown={Math.min(mostShown, pushers.length)} total={pushers.length} />
        </SettingsSection>
      )}
    </>
  )
}

function PusherRow({ kind, name, pushes, failing, last }: Pusher) {
  return (
    <Row>
      <RowHead before={<Who kind={kind} name={name} />}>{name}</RowHead>
      <Cell label="Pushes">
        {failing.toLocaleString('en')} of {pushes.toLocaleString('en')}
      </Cell>
      <Cell label="The last one">
        <span>
          {last.repo}, {last.ref.replace(/^refs\/(heads|tags)\//, '')} <code>{last.commit.slice(0, 7)}</code>{' '}
          <Time at={last.at} />
        </span>
      </Cell>
      <Cell label="Why">{last.reason}</Cell>
    </Row>
  )
}

function Files({ found: { unsafe, unscanned } }: { found: AffectedFiles }): Child {
  const isNothing = unsafe.items.length === 0 && unscanned.count === 0
  if (unsafe.effect === 'none' && unscanned.effect === 'none') {
    return (
      <Nothing title="The same files are held">
        It holds what is held today: either it says the same, or this hub asks every organization for more.
      </Nothing>
    )
  }
  if (isNothing) {
    return (
      <Nothing title="No file is affected">Nothing that scanners found or still have to look at lies here.</Nothing>
    )
  }
  return (
    <>
      {unscanned.effect !== 'none' && (
        <p class="text-sm">
          <b>
            {unscanned.isWhole ? '' : 'At least '}
            {counted(unscanned.count, 'file')}
          </b>{' '}
          that no scanner has finished with {fate(unscanned.effect, unscanned.count)}.
        </p>
      )}
      {unsafe.effect !== 'none' && unsafe.items.length > 0 && (
        <SettingsSection id="files-h" title={unsafe.effect === 'hold' ? 'Held from then on' : 'Handed out again'}>
          <Rows
            caption={unsafe.effect === 'hold' ? 'Files that would be held' : 'Files that would be handed out again'}
            columns={[{ label: 'File' }, { label: 'Found' }, { label: 'What was found' }]}
          >
            {unsafe.items.slice(0, mostShown).map((file) => (
              <FileRow {...file} />
            ))}
          </Rows>
          {!unsafe.isWhole && <p class="p-4 text-sm text-muted">There are more; these were found last.</p>}
        </SettingsSection>
      )}
    </>
  )
}

function fate(effect: HoldEffect, count: number): string {
  if (effect === 'hold')
    return count === 1 ? 'would be held until it is scanned' : 'would be held until they are scanned'
  return 'would be handed out again'
}

function FileRow({ size, foundAt, found, places, hasMore }: UnsafeContent) {
  const [first, ...others] = places
  return (
    <Row>
      <RowHead description={`${sizeWords(size)}${others.length > 0 || hasMore ? ', in other repositories too' : ''}`}>
        {first === undefined ? (
          'in no repository any more'
        ) : (
          <a class="a" href={repoPath(first)}>
            {first.namespace}/{first.name}
          </a>
        )}
        {first?.path != null && `: ${first.path}`}
      </RowHead>
      <Cell label="Found">
        <Time at={foundAt} />
      </Cell>
      <Cell label="What was found">{found.map(({ message, scanner }) => message ?? scanner).join('; ')}</Cell>
    </Row>
  )
}

function Models({ found, namespace }: { found: AffectedModels; namespace: string }): Child {
  const { effect, items, affected, models, isWhole } = found
  if (effect === 'none') return <Nothing title="The same models are handed out">It says what it says today.</Nothing>
  if (affected === 0) return <Nothing title="No model is affected">Every model is signed, and verified.</Nothing>
  const done = effect === 'hold' ? 'withheld' : 'handed out again'
  return (
    <>
      <p class="text-sm">
        <b>{affected.toLocaleString('en')}</b> of {counted(models, 'model')} would be {done}, judged by what is at their
        heads now.
        {!isWhole && ' There are more models; the first by name were looked at.'}
      </p>
      <SettingsSection id="models-h" title={effect === 'hold' ? 'Withheld from then on' : 'Handed out again'}>
        <Rows caption={`Models that would be ${done}`} columns={[{ label: 'Model' }, { label: 'Why' }]}>
          {items.map(({ name, reason }) => (
            <Row>
              <RowHead>
                <a class="a" href={repoPath({ kind: 'model', namespace, name })}>
                  {namespace}/{name}
                </a>
              </RowHead>
              <Cell label="Why">{reason}</Cell>
            </Row>
          ))}
        </Rows>
        <Rest shown={items.length} total={affected} />
      </SettingsSection>
    </>
  )
}

function Nothing({ title, children }: { title: string; children: Child }) {
  return (
    <section class="panel">
      <Empty icon="shield-check" title={title}>
        {children}
      </Empty>
    </section>
  )
}

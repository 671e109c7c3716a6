/* Who gains and who loses by a change that is not made yet, and the way on to make it. */
import type { Child } from 'hono/jsx'
import { repoPath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import { Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { namesOf } from './abilities.ts'
import type { Difference, TokenDifference } from './compare.ts'
import type { AccessPreview } from './preview.ts'

export type PreviewView = {
  /** What would be done, as a sentence. */
  sentence: string
  preview: AccessPreview
  /** Where the change is made, with what its form sent. */
  action: string
  fields: Readonly<Record<string, string>>
  /** Where the form is. */
  backHref: string
}

export function RepoPreviewPage(props: { context: PageContext; repo: RepoView; view: PreviewView }) {
  const { context, repo } = props
  return (
    <Page
      context={context}
      title={`Who is affected: ${repo.namespace}/${repo.name}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-4xl">
        <PreviewBody {...props.view} />
      </div>
    </Page>
  )
}

export function OrganizationPreviewPage(props: {
  context: PageContext
  organization: string
  place: string
  placeLabel: string
  view: PreviewView
}) {
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={props.organization}
      title={`Who is affected: ${props.organization}`}
      place={props.place}
      crumbs={[{ label: props.placeLabel, href: props.view.backHref }, { label: 'Preview' }]}
    >
      <PreviewBody {...props.view} />
    </OrganizationSettingsPage>
  )
}

function PreviewBody({ sentence, preview, action, fields, backHref }: PreviewView) {
  const { differences, tokens, counts } = preview.comparison
  const { principals, entries } = counts
  return (
    <>
      <PageHead title="Who is affected" lede={`${sentence} Nothing is changed yet.`} />
      <Summary preview={preview} />
      {entries.loses > 0 && (
        <Side id="loses-h" title="Lose access" total={entries.loses} preview={preview} list={differences.loses} />
      )}
      {entries.gains > 0 && (
        <Side id="gains-h" title="Gain access" total={entries.gains} preview={preview} list={differences.gains} />
      )}
      {principals.loses + principals.gains + entries.loses + entries.gains === 0 && (
        <section class="panel">
          <Empty icon="shield-check" title="Nobody gains or loses access">
            The same people and service accounts could do the same afterwards.
          </Empty>
        </section>
      )}
      {preview.withTokens && counts.tokens.loses > 0 && (
        <TokenSide
          id="tokens-lose-h"
          title="Tokens that lose access"
          total={counts.tokens.loses}
          preview={preview}
          list={tokens.loses}
        />
      )}
      {preview.withTokens && counts.tokens.gains > 0 && (
        <TokenSide
          id="tokens-gain-h"
          title="Tokens that gain access"
          total={counts.tokens.gains}
          preview={preview}
          list={tokens.gains}
        />
      )}
      <MakeTheChange action={action} fields={fields} backHref={backHref} />
    </>
  )
}

/** Posts the form of the change itself to where it is made. */
export function MakeTheChange({ action, fields, backHref }: Pick<PreviewView, 'action' | 'fields' | 'backHref'>) {
  return (
    <form class="flex flex-wrap gap-2" method="post" action={action}>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <Button look="primary">Make the change</Button>
      <LinkButton href={backHref}>Back without changing anything</LinkButton>
    </form>
  )
}

function Summary({ preview }: { preview: AccessPreview }) {
  const { principals, tokens, losingTokensUsedThisWeek: used } = preview.comparison.counts
  const everyone = everyoneIn(preview)
  return (
    <>
      {everyone !== null && (
        <Notice kind="warning" standing={true}>
          {everyone === 'gains'
            ? 'Everyone gains access, whether they have an account or not.'
            : 'Everyone without a role loses access.'}
        </Notice>
      )}
      <p class="text-sm">
        Of people and service accounts <b>{parties(principals.loses)}</b> {principals.loses === 1 ? 'loses' : 'lose'}{' '}
        access, <b>{parties(principals.gains)}</b> {principals.gains === 1 ? 'gains' : 'gain'} some.{' '}
        {preview.withTokens && (
          <>
            {counted(tokens.loses, 'token')} {tokens.loses === 1 ? 'loses' : 'lose'} access
            {tokens.loses > 0 &&
              `, of which ${used === 0 ? 'none was' : used === 1 ? 'one was' : `${used} were`} used this week`}
            .
          </>
        )}
      </p>
      {preview.isPartial && (
        <Notice kind="info" standing={true}>
          What only administrators of {preview.owner.name} see is left out: access tokens, requests for access, second
          factors, and who is not listed to you.
        </Notice>
      )}
    </>
  )
}

const parties = (count: number): string => (count === 0 ? 'none' : count.toLocaleString('en'))

function everyoneIn({ comparison }: AccessPreview): 'gains' | 'loses' | null {
  const { gains, loses } = comparison.differences
  if (gains.some(({ subject }) => subject.kind === 'anonymous')) return 'gains'
  return loses.some(({ subject }) => subject.kind === 'anonymous') ? 'loses' : null
}

type SideProps<T> = { id: string; title: string; total: number; preview: AccessPreview; list: readonly T[] }

function Side({ id, title, total, preview, list }: SideProps<Difference>) {
  return (
    <SettingsSection id={id} title={title}>
      <Rows
        caption={title}
        columns={[{ label: 'Who' }, { label: 'Where' }, { label: 'Can now' }, { label: 'Could then' }]}
      >
        {list.map((difference) => (
          <Row>
            <Subject subject={difference.subject} />
            <Cell label="Where">{whereOf(difference, preview)}</Cell>
            <Cell label="Can now">{wordsOf(difference.before, difference)}</Cell>
            <Cell label="Could then">{wordsOf(difference.after, difference)}</Cell>
          </Row>
        ))}
      </Rows>
      <Rest shown={list.length} total={total} />
    </SettingsSection>
  )
}

export function Rest({ shown, total }: { shown: number; total: number }) {
  if (shown >= total) return null
  return (
    <p class="p-4 text-sm text-muted">
      The first {shown.toLocaleString('en')} of {total.toLocaleString('en')}.
    </p>
  )
}

function Subject({ subject }: { subject: Difference['subject'] }) {
  if (subject.kind === 'anonymous') return <RowHead before={<Who kind="hub" name="everyone" />}>Everyone</RowHead>
  const shown = subject.kind === 'service-account' ? subject.fullname : subject.name
  const more = subject.kind === 'service-account' ? subject.name : subject.fullname
  return (
    <RowHead before={<Who kind={subject.kind} name={subject.fullname ?? subject.name} />} description={more}>
      {shown}
    </RowHead>
  )
}

function whereOf({ thing }: Difference, { owner, names }: AccessPreview): Child {
  switch (thing.on) {
    case 'organization':
      return `${owner.name}, the organization`
    case 'workspace':
      return `the workspace ${names.get(thing.before.id) ?? ''}`
    case 'repo':
      return (
        <a class="a" href={repoPath({ kind: thing.before.kind, namespace: owner.name, name: thing.before.name })}>
          {owner.name}/{thing.before.name}
        </a>
      )
    case 'repos': {
      const { repo, count } = thing
      const words = [repo.gated === false ? '' : 'gated', repo.visibility === 'public' ? 'public' : 'private'].filter(
        Boolean,
      )
      const own = repo.creatorId === '' ? '' : ' of their own'
      const place =
        repo.workspaceId === null ? `in no workspace` : `in the workspace ${names.get(repo.workspaceId) ?? ''}`
      return `${count.toLocaleString('en')} ${words.join(' ')} ${count === 1 ? 'repository' : 'repositories'}${own} ${place}`
    }
  }
}

const words = { see: 'see it', read: 'read files', write: 'write', administer: 'administer' } as const

function wordsOf(set: number, { thing }: Difference): string {
  const found = namesOf(set)
  if (found.length === 0) return 'nothing'
  // Whoever reads its files sees it: that goes without saying.
  const said =
    thing.on === 'repo' || thing.on === 'repos'
      ? found.filter((name) => name !== 'see' || !found.includes('read'))
      : found
  const isOnRepos = thing.on === 'repo' || thing.on === 'repos'
  return said.map((name) => (name === 'write' && !isOnRepos ? 'create repositories' : words[name])).join(', ')
}

function TokenSide({ id, title, total, preview, list }: SideProps<TokenDifference>) {
  return (
    <SettingsSection id={id} title={title}>
      <Rows
        caption={title}
        columns={[{ label: 'Token' }, { label: 'Owner' }, { label: 'Repositories' }, { label: 'Last used' }]}
      >
        {list.map(({ token, owner, repos, usedThisWeek }) => {
          const { credential, lastUsedAt } = token
          const isTold = preview.showsTokenNames || owner.kind !== 'user'
          return (
            <Row>
              <RowHead description={isTold ? credential.name : null}>
                <code>hf_…{credential.last4}</code>
              </RowHead>
              <Cell label="Owner">{ownerName(owner)}</Cell>
              <Cell label="Repositories">{repos.toLocaleString('en')}</Cell>
              <Cell label="Last used">
                {lastUsedAt === null ? 'never' : <Time at={lastUsedAt} />}
                {usedThisWeek && ' (this week)'}
              </Cell>
            </Row>
          )
        })}
      </Rows>
      <Rest shown={list.length} total={total} />
    </SettingsSection>
  )
}

function ownerName(owner: TokenDifference['owner']): string {
  if (owner.kind === 'anonymous') return ''
  return owner.kind === 'service-account' ? owner.fullname : owner.name
}

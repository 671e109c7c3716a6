import type { Child } from 'hono/jsx'
import { newRepoPath, type RepoKind, withQuery } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { membersPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { type Tab, Tabs } from '../../web/tabs.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { kindWords, type RepoRow, RepoRows } from './repo-rows.tsx'

type NamespacePageProps = {
  context: PageContext
  namespace: {
    name: string
    kind: 'user' | 'organization'
    fullname: string | null
    description: string | null
    createdAt: number
  }
  kind: RepoKind
  repos: readonly RepoRow[]
  nextHref: string | null
  firstHref: string | null
  /** Null on the pages after the first, and where there is none that the viewer may see. */
  card: Child | null
  /** From the policy: whether New is drawn. */
  mayCreate: boolean
  /** From the policy: whether the members are linked, and the settings of an organization. */
  maySeeMembers: boolean
  maySeeSettings: boolean
  /** From the policy: a member whom the organization keeps to what is public until there is a second factor. */
  lacksSecondFactor: boolean
}

/** At /{ns}?kind=model|dataset|space. */
export function NamespacePage(props: NamespacePageProps) {
  const { namespace, kind } = props
  const words = kindWords[kind]
  const here = `/${encodeURIComponent(namespace.name)}`
  const tabs: Tab[] = (['model', 'dataset', 'space'] as const).map((each) => ({
    href: each === 'model' ? here : `${here}?kind=${each}`,
    label: { model: 'Models', dataset: 'Datasets', space: 'Spaces' }[each],
    icon: kindWords[each].icon,
    current: each === kind,
  }))
  if (props.maySeeMembers) tabs.push({ href: membersPath(namespace.name), label: 'Members', icon: 'users' })
  if (props.maySeeSettings) {
    tabs.push({ href: organizationSettingsPath(namespace.name, 'profile'), label: 'Settings', icon: 'settings' })
  }
  return (
    <Page
      context={props.context}
      title={namespace.name}
      place={
        <>
          <div class="crumbs">
            <Who kind={namespace.kind} name={namespace.fullname ?? namespace.name} size="large" />
            <div class="min-w-0">
              <h1 class="text-lg break-all">{namespace.name}</h1>
              <p class="text-sm text-muted">
                {namespace.fullname && `${namespace.fullname}, `}
                {namespace.kind === 'organization' ? 'organization' : 'here'} since <Time at={namespace.createdAt} />
              </p>
            </div>
          </div>
          <Tabs label={namespace.name} tabs={tabs} />
        </>
      }
    >
      {namespace.kind === 'organization' && mayTakeOver(props.context.viewer, namespace.name) && (
        <p class="text-sm text-muted">
          You have no role here.{' '}
          <a class="a" href={`/organizations/${encodeURIComponent(namespace.name)}/break-glass`}>
            Administer {namespace.name} in an emergency
          </a>
        </p>
      )}
      {namespace.description && (
        <p class="max-w-3xl whitespace-pre-line [overflow-wrap:anywhere]">{namespace.description}</p>
      )}
      {props.lacksSecondFactor && (
        <Notice
          kind="warning"
          standing={true}
          action={
            <LinkButton href={`/settings/authentication?next=${encodeURIComponent(here)}`}>
              Set up a second factor
            </LinkButton>
          }
        >
          {namespace.name} asks its members for a second factor. Until you have one you see only what is public here.
        </Notice>
      )}
      {props.card}
      {props.mayCreate && props.repos.length > 0 && (
        <div class="flex justify-end">
          <LinkButton look="primary" icon="plus" href={withQuery(newRepoPath[kind], { owner: namespace.name })}>
            New {words.one}
          </LinkButton>
        </div>
      )}
      <section class="panel" aria-label={`${words.many} of ${namespace.name}`}>
        {props.repos.length === 0 ? (
          <Empty
            icon={words.icon}
            title={`No ${words.many} here`}
            action={
              props.mayCreate && (
                <LinkButton look="primary" icon="plus" href={withQuery(newRepoPath[kind], { owner: namespace.name })}>
                  New {words.one}
                </LinkButton>
              )
            }
          >
            {namespace.name} has no {words.many} that you may see.
          </Empty>
        ) : (
          <RepoRows caption={`${words.many} of ${namespace.name}`} repos={props.repos} />
        )}
      </section>
      {props.repos.length > 0 && (
        <MoreRows
          order="Last changed first"
          shown={props.repos.length}
          olderHref={props.nextHref}
          firstHref={props.firstHref}
        />
      )}
    </Page>
  )
}

/** An administrator of the hub who is not of the organization. */
function mayTakeOver(viewer: PageContext['viewer'], organization: string): boolean {
  return viewer?.isAdmin === true && !viewer.organizations.some(({ name }) => name === organization)
}

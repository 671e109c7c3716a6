/* Above files and commits: which revision is shown, a switch to the others, and the path down to here. */
import type { Child } from 'hono/jsx'
import { repoPath, revisionPath } from '../../web/address.ts'
import { Icon } from '../../web/icon.tsx'
import { Menu, MenuLink } from '../../web/menu.tsx'
import type { RepoView } from '../../web/repo-place.tsx'

export type RevisionView = {
  /** As it stands in the address: a branch, a tag or a commit id. */
  name: string
  kind: 'branch' | 'tag' | 'commit' | 'other'
  /** The first of each, the current one among them; the rest is on the page of refs. */
  branches: readonly string[]
  tags: readonly string[]
}

type RevisionBarProps = {
  repo: RepoView
  revision: RevisionView
  /** `tree/sub/folder`; empty at the top. */
  path: string
  /** What the switch keeps showing. */
  view: 'tree' | 'blob' | 'commits'
  children?: Child
}

export function RevisionBar(props: RevisionBarProps) {
  const { repo, revision } = props
  const isLong = revision.kind === 'commit'
  return (
    <div class="flex flex-wrap items-center gap-2">
      <Menu
        id="menu-ref"
        start={true}
        label={`${revision.name}, switch revision`}
        button={
          <>
            <Icon name={refIcons[revision.kind]} />
            <span class="max-w-48 truncate">{isLong ? <code>{revision.name.slice(0, 7)}</code> : revision.name}</span>
            <Icon name="chevron-down" />
          </>
        }
      >
        <RefLinks {...props} title="Branches" kind="branch" names={revision.branches} />
        <RefLinks {...props} title="Tags" kind="tag" names={revision.tags} />
        <hr />
        <MenuLink href={repoPath(repo, '/refs')}>All branches and tags</MenuLink>
      </Menu>
      <PathLinks repo={repo} revision={revision.name} path={props.path} />
      {props.children}
    </div>
  )
}

const refIcons = { branch: 'git-branch', tag: 'tag', commit: 'git-commit-horizontal', other: 'git-branch' } as const

function RefLinks(props: RevisionBarProps & { title: string; kind: 'branch' | 'tag'; names: readonly string[] }) {
  if (props.names.length === 0) return null
  return (
    <>
      <p class="text-muted">{props.title}</p>
      {props.names.map((name) => {
        const isCurrent = props.revision.kind === props.kind && props.revision.name === name
        return (
          <MenuLink
            href={revisionPath(props.repo, props.view, name, props.path)}
            icon={isCurrent ? 'check' : refIcons[props.kind]}
            current={isCurrent}
          >
            <span class="[overflow-wrap:anywhere]">{name}</span>
          </MenuLink>
        )
      })}
    </>
  )
}

function PathLinks(props: { repo: RepoView; revision: string; path: string }) {
  const parts = props.path === '' ? [] : props.path.split('/')
  return (
    <nav aria-label="Path" class="min-w-0 [overflow-wrap:anywhere]">
      <a class="quiet font-semibold" href={revisionPath(props.repo, 'tree', props.revision)}>
        {props.repo.name}
      </a>{' '}
      <span class="text-muted">/</span>
      {parts.map((part, index) => (
        <>
          {' '}
          {index === parts.length - 1 ? (
            <span aria-current="page">{part}</span>
          ) : (
            <>
              <a
                class="quiet"
                href={revisionPath(props.repo, 'tree', props.revision, parts.slice(0, index + 1).join('/'))}
              >
                {part}
              </a>{' '}
              <span class="text-muted">/</span>
            </>
          )}
        </>
      ))}
    </nav>
  )
}

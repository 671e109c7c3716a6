/* The place bar of a repository: owner / name, copy, badges, tabs. The page's h1 stands here. A tab that the viewer may
   not open is not drawn. */
import { namespacePath, type RepoAddress, repoId, repoPath, revisionPath } from './address.ts'
import { type ModelSignatureStatus, RepoBadges } from './badge.tsx'
import { NamespaceSwitch } from './breadcrumbs.tsx'
import { CopyButton } from './copy-button.tsx'
import type { Section } from './header.tsx'
import type { PageViewer } from './page-context.ts'
import { type Tab, Tabs } from './tabs.tsx'

export type RepoView = RepoAddress & {
  ownerKind: 'user' | 'organization'
  isPrivate: boolean
  isGated?: boolean
  workspace?: string
  /** Of the revision that is shown; null or absent where it has no model signature. */
  modelSignature?: { status: ModelSignatureStatus; href: string } | null
  /** Why nothing of the revision that is shown is handed out. */
  hold?: string | null
  /** From the policy: whether the settings tab and its buttons are drawn. */
  mayChangeSettings: boolean
  /** From the policy: whether one may push and edit here. */
  mayWrite: boolean
}

export type RepoTab = 'card' | 'files' | 'commits' | 'trust' | 'settings'

const sections: Readonly<Record<RepoAddress['kind'], Section>> = {
  model: 'models',
  dataset: 'datasets',
  space: 'spaces',
}

export function repoSection(repo: RepoAddress): Section {
  return sections[repo.kind]
}

/** `revision` is the one that Files and Commits keep showing. */
export function RepoPlace(props: { viewer: PageViewer; repo: RepoView; current: RepoTab; revision?: string }) {
  const { repo } = props
  const id = repoId(repo)
  return (
    <>
      <div class="crumbs">
        <NamespaceSwitch viewer={props.viewer} namespace={{ name: repo.namespace, kind: repo.ownerKind }} />
        <h1 class="flex items-center gap-2 text-lg min-w-0">
          <a class="quiet font-medium" href={namespacePath(repo.namespace)}>
            {repo.namespace}
          </a>
          <span class="sep font-normal">/</span>
          <a class="quiet break-all" href={repoPath(repo)}>
            {repo.name}
          </a>
        </h1>
        <CopyButton value={id} label={`Copy ${id}`} small={true} />
        <RepoBadges
          isPrivate={repo.isPrivate}
          isGated={repo.isGated}
          workspace={repo.workspace}
          modelSignature={repo.modelSignature}
        />
      </div>
      <Tabs label={id} tabs={repoTabs(repo, props.current, props.revision ?? 'main')} />
    </>
  )
}

function repoTabs(repo: RepoView, current: RepoTab, revision: string): Tab[] {
  const tabs: Tab[] = [
    { href: repoPath(repo), label: 'Card', icon: 'book-open-text', current: current === 'card' },
    { href: revisionPath(repo, 'tree', revision), label: 'Files', icon: 'folder', current: current === 'files' },
    {
      href: revisionPath(repo, 'commits', revision),
      label: 'Commits',
      icon: 'history',
      current: current === 'commits',
    },
    { href: repoPath(repo, '/trust'), label: 'Trust', icon: 'shield-check', current: current === 'trust' },
  ]
  if (repo.mayChangeSettings) {
    tabs.push({
      href: repoPath(repo, '/settings'),
      label: 'Settings',
      icon: 'settings',
      current: current === 'settings',
    })
  }
  return tabs
}

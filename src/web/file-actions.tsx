/* What whoever may write can do with files, beside the files: nothing is drawn for anybody else, nor at a tag or a commit. */
import { type RepoAddress, revisionPath } from './address.ts'
import { LinkButton } from './button.tsx'
import { Icon } from './icon.tsx'
import { Menu, MenuLink } from './menu.tsx'

type Place = {
  repo: RepoAddress & { mayWrite: boolean }
  revision: { name: string; kind: 'branch' | 'tag' | 'commit' | 'other' }
  path: string
}

/** Above a folder. */
export function FolderActions({ repo, revision, path }: Place) {
  if (!repo.mayWrite || revision.kind !== 'branch') return null
  return (
    <Menu
      id="menu-add"
      button={
        <>
          <Icon name="plus" />
          Add file
          <Icon name="chevron-down" />
        </>
      }
    >
      <MenuLink href={revisionPath(repo, 'new', revision.name, path)} icon="file-plus">
        Create a file
      </MenuLink>
      <MenuLink href={revisionPath(repo, 'upload', revision.name, path)} icon="upload">
        Upload files
      </MenuLink>
      <hr />
      <MenuLink href={`${revisionPath(repo, 'delete', revision.name, path)}?choose=1`} icon="trash-2">
        Delete files
      </MenuLink>
    </Menu>
  )
}

/** In the head of a file. */
export function FileActions({ repo, revision, path }: Place) {
  if (!repo.mayWrite || revision.kind !== 'branch') return null
  return (
    <>
      <LinkButton icon="pencil" href={revisionPath(repo, 'edit', revision.name, path)} label={`Edit ${path}`}>
        Edit
      </LinkButton>
      <LinkButton icon="trash-2" href={revisionPath(repo, 'delete', revision.name, path)} label={`Delete ${path}`}>
        Delete
      </LinkButton>
    </>
  )
}

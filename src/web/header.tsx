/* The header of every page: mark, the three lists, search, New, and the menu of the person who is signed in. */
import { namespacePath } from './address.ts'
import { Icon } from './icon.tsx'
import { Mark } from './mark.tsx'
import { Menu, MenuLink } from './menu.tsx'
import type { PageContext, PageViewer } from './page-context.ts'
import { hubSettingsPath } from './settings-frame.tsx'
import { initials, Who } from './who.tsx'

export type Section = 'models' | 'datasets' | 'spaces'

const sections = [
  { section: 'models', href: '/models', label: 'Models', icon: 'box' },
  { section: 'datasets', href: '/datasets', label: 'Datasets', icon: 'database' },
  { section: 'spaces', href: '/spaces', label: 'Spaces', icon: 'app-window' },
] as const

export function HeaderRow(props: { context: PageContext; section?: Section; query?: string }) {
  const { viewer } = props.context
  return (
    <div class="wrap top-row">
      <a class="brand" href="/">
        <Mark size={24} />
        <span class="max-xs:sr-only">holdfast</span>
      </a>
      <nav class="hidden md:flex items-center" aria-label="Main">
        {sections.map(({ section, href, label }) => (
          <a class="top-link" href={href} aria-current={props.section === section ? 'true' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <SearchForm query={props.query} />
      <div class="flex items-center gap-1 ml-auto">
        {viewer ? <ViewerMenus viewer={viewer} /> : <Strangers {...props} />}
      </div>
      <button class="icon-btn md:hidden" type="button" popovertarget="menu-nav" aria-label="Menu">
        <Icon name="menu" large={true} />
      </button>
      <nav class="pop md:hidden" id="menu-nav" popover="auto" aria-label="Main, small screen">
        {sections.map(({ href, label, icon }) => (
          <MenuLink href={href} icon={icon}>
            {label}
          </MenuLink>
        ))}
        <hr />
        {viewer ? (
          <MenuLink href="/new" icon="plus">
            New model
          </MenuLink>
        ) : (
          <MenuLink href="/login" icon="circle-user-round">
            Sign in
          </MenuLink>
        )}
      </nav>
    </div>
  )
}

function SearchForm(props: { query?: string }) {
  return (
    <search class="flex-1 max-w-md ml-auto">
      <form action="/search">
        <label class="input input-sm">
          <span class="sr-only">Search models, datasets, spaces and people</span>
          <Icon name="search" />
          <input type="search" name="q" placeholder="Search" autocomplete="off" value={props.query} />
        </label>
      </form>
    </search>
  )
}

function Strangers(props: { context: PageContext }) {
  return (
    <>
      <a class="top-link whitespace-nowrap" href="/login">
        Sign in
      </a>
      {props.context.signUpOpen !== false && (
        <a class="btn btn-sm btn-line max-sm:hidden" href="/join">
          Create account
        </a>
      )}
    </>
  )
}

function ViewerMenus({ viewer }: { viewer: NonNullable<PageViewer> }) {
  const letters = initials(viewer.fullname ?? viewer.name)
  return (
    <>
      <Menu
        id="menu-new"
        buttonClass="btn btn-sm btn-line hidden sm:inline-flex"
        button={
          <>
            <Icon name="plus" />
            New
            <Icon name="chevron-down" />
          </>
        }
      >
        <MenuLink href="/new" icon="box">
          Model
        </MenuLink>
        <MenuLink href="/new-dataset" icon="database">
          Dataset
        </MenuLink>
        <MenuLink href="/new-space" icon="app-window">
          Space
        </MenuLink>
        <hr />
        <MenuLink href="/organizations/new" icon="building-2">
          Organization
        </MenuLink>
      </Menu>
      <Menu
        id="menu-me"
        buttonClass="icon-btn"
        label={`${letters}, your menu`}
        button={<Who kind="user" name={viewer.fullname ?? viewer.name} />}
      >
        <p>
          <b>{viewer.fullname ?? viewer.name}</b>
          <br />
          <span class="text-muted">{viewer.name}</span>
        </p>
        <hr />
        <MenuLink href={namespacePath(viewer.name)} icon="circle-user-round">
          Profile
        </MenuLink>
        <MenuLink href="/settings/profile" icon="settings">
          Settings
        </MenuLink>
        <MenuLink href="/settings/tokens" icon="key-round">
          Access Tokens
        </MenuLink>
        {viewer.isAdmin && (
          <MenuLink href={hubSettingsPath('')} icon="settings">
            Administration
          </MenuLink>
        )}
        {viewer.organizations.length > 0 && <hr />}
        {viewer.organizations.map(({ name }) => (
          <a href={namespacePath(name)}>
            <Who kind="organization" name={name} size="small" />
            {name}
          </a>
        ))}
        <hr />
        <button type="submit" form="sign-out">
          <Icon name="log-out" />
          Sign out
        </button>
      </Menu>
      <form id="sign-out" method="post" action="/logout" />
    </>
  )
}

/* The place bar: whose namespace this is (and a switch to the others one belongs to), then the way down to here. */
import type { Child } from 'hono/jsx'
import { namespacePath } from './address.ts'
import { Icon } from './icon.tsx'
import { Menu } from './menu.tsx'
import type { PageViewer } from './page-context.ts'
import { Who, type WhoKind } from './who.tsx'

export type Crumb = { label: string; href?: string }

type BreadcrumbsProps = {
  viewer: PageViewer
  namespace: { name: string; kind: Exclude<WhoKind, 'service-account'> }
  crumbs: readonly Crumb[]
  /** Where the switcher leads for another namespace; its profile when it is left out. */
  switchTo?: (name: string, kind: WhoKind) => string
}

export function Breadcrumbs(props: BreadcrumbsProps) {
  return (
    <div class="crumbs">
      <NamespaceSwitch {...props} named={true} />
      {props.crumbs.map((crumb) => (
        <>
          <span class="sep" aria-hidden="true">
            /
          </span>
          {crumb.href ? (
            <a class="quiet" href={crumb.href}>
              {crumb.label}
            </a>
          ) : (
            <span aria-current="page">{crumb.label}</span>
          )}
        </>
      ))}
    </div>
  )
}

type NamespaceSwitchProps = Pick<BreadcrumbsProps, 'viewer' | 'namespace' | 'switchTo'> & { named?: boolean }

/** The avatar that opens the list of one's own namespaces; for a stranger only the avatar. */
export function NamespaceSwitch(props: NamespaceSwitchProps): Child {
  const { viewer, namespace } = props
  const shown = (
    <>
      <Who kind={namespace.kind} name={namespace.name} />
      {props.named && namespace.name}
      {viewer && <span class="sr-only">{props.named ? '' : namespace.name}, switch namespace</span>}
    </>
  )
  if (!viewer) {
    return props.named ? (
      <a class="flex items-center gap-2 quiet font-semibold" href={namespacePath(namespace.name)}>
        {shown}
      </a>
    ) : (
      shown
    )
  }
  const address = props.switchTo ?? namespacePath
  return (
    <Menu
      id="menu-ns"
      start={true}
      buttonClass="flex items-center gap-2 cursor-pointer rounded font-semibold"
      button={
        <>
          {shown}
          {props.named && <Icon name="chevrons-up-down" />}
        </>
      }
    >
      <a href={address(viewer.name, 'user')}>
        <Who kind="user" name={viewer.fullname ?? viewer.name} size="small" />
        {viewer.name}
      </a>
      {viewer.organizations.map(({ name }) => (
        <a href={address(name, 'organization')}>
          <Who kind="organization" name={name} size="small" />
          {name}
        </a>
      ))}
    </Menu>
  )
}

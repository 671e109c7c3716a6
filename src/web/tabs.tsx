/* Tabs are links to pages. A count beside one is red only for held or infected files. */
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'

export type Tab = {
  href: string
  label: string
  icon?: IconName
  current?: boolean
  count?: number
  countIsBad?: boolean
}

export function Tabs(props: { label: string; tabs: readonly Tab[]; inPage?: boolean }) {
  return (
    <nav class={props.inPage ? 'tabbar border-b border-line mb-0!' : 'tabbar'} aria-label={props.label}>
      {props.tabs.map((tab) => (
        <a href={tab.href} aria-current={tab.current ? 'page' : undefined}>
          {tab.icon && <Icon name={tab.icon} />}
          {tab.label}
          {tab.count !== undefined && tab.count > 0 && (
            <span class={tab.countIsBad ? 'count count-bad' : 'count'}>{tab.count}</span>
          )}
        </a>
      ))}
    </nav>
  )
}

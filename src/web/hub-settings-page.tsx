/* A page for administrators of this hub, with its side list. */
import type { Child } from 'hono/jsx'
import { Page } from './layout.tsx'
import type { PageContext } from './page-context.ts'
import { HubSettingsSide, hubSettingsPath } from './settings-frame.tsx'

type HubSettingsPageProps = {
  context: PageContext
  title: string
  /** The last part of the address of the place in the side list: `held`. */
  place: string
  dialog?: Child
  children: Child
}

export function HubSettingsPage(props: HubSettingsPageProps) {
  const side = <HubSettingsSide current={hubSettingsPath(props.place)} />
  return (
    <Page context={props.context} title={props.title} frame={{ kind: 'settings', side }} dialog={props.dialog}>
      {props.children}
    </Page>
  )
}

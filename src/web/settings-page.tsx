/* A page of one's own settings, with its side list. */
import type { Child } from 'hono/jsx'
import { Page } from './layout.tsx'
import type { PageContext } from './page-context.ts'
import { YourSettingsSide } from './settings-frame.tsx'

type YourSettingsPageProps = {
  context: PageContext
  title: string
  /** The address of the place in the side list. */
  current: string
  dialog?: Child
  children: Child
}

export function YourSettingsPage(props: YourSettingsPageProps) {
  const side = <YourSettingsSide current={props.current} organizations={props.context.viewer?.organizations ?? []} />
  return (
    <Page context={props.context} title={props.title} frame={{ kind: 'settings', side }} dialog={props.dialog}>
      {props.children}
    </Page>
  )
}

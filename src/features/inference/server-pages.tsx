/* Who answers for a model: servers, or the hub itself; each with how it does, a box to try, the revision, and the end. */
import { repoId } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { Page } from '../../web/layout.tsx'
import { SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, repoSection } from '../../web/repo-place.tsx'
import { EmbeddedPanel, EmbedSection } from './embedded-panel.tsx'
import { RevisionSection } from './revision-section.tsx'
import { ServersQuestion } from './server-question.tsx'
import { ServerSection } from './server-section.tsx'
import { ServersPanel } from './server-table.tsx'
import { type ServersPageProps, serversPath } from './server-view.ts'
import { TrySection } from './try-section.tsx'

/** Posts a server to its own address or to .../{id}, what else there is to .../{id}/remove, .../embedded, .../revision, .../try and .../end. */
export function ServersPage(props: ServersPageProps) {
  const { context, repo, servers, mayChange } = props
  const placed = { ...props, here: serversPath(repo) }
  const isHub = props.embedded.running !== null
  const isServed = isHub || servers.length > 0
  return (
    <Page
      context={context}
      title={`Inference of ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
      dialog={props.dialog && <ServersQuestion {...placed} dialog={props.dialog} />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-4xl">
        <div>
          <h2>Inference</h2>
          <p class="lede">
            Whoever may download {repoId(repo)} may call it at this hub's address with the same tokens. Servers of yours
            run it, and the hub stands before them; a small model in ONNX the hub runs itself.
          </p>
        </div>
        {isHub ? <EmbeddedPanel {...placed} /> : <ServersPanel {...placed} />}
        {isHub && props.mayTry && <TrySection {...placed} />}
        {!isServed && mayChange && <EmbedSection {...placed} />}
        {!isHub && mayChange && <ServerSection {...placed} />}
        {servers.length > 0 && props.mayTry && <TrySection {...placed} />}
        {isServed && mayChange && (
          <>
            <RevisionSection {...placed} />
            {isHub ? <ServerSection {...placed} /> : <EmbedSection {...placed} />}
            <SettingsSection id="end-h" title="End it">
              <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
                <p class="flex-1 min-w-60 text-sm text-muted">
                  Nobody answers for {repoId(repo)} any more. Its files stay as they are.
                </p>
                <LinkButton look="danger" href={`${placed.here}?dialog=end`} dialog={true}>
                  End inference
                </LinkButton>
              </div>
            </SettingsSection>
          </>
        )}
      </div>
    </Page>
  )
}

/* The first page. */
import type { Child } from 'hono/jsx'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { Snippet } from '../../web/snippet.tsx'
import { type RepoRow, RepoRows } from './repo-rows.tsx'

/** At /. `yours` is null for a stranger. */
export function HomePage(props: {
  context: PageContext
  publicUrl: string
  yours: readonly RepoRow[] | null
  recent: readonly RepoRow[]
}) {
  const { viewer } = props.context
  return (
    <Page context={props.context} title={props.context.instanceName}>
      {viewer ? (
        <HomeSection
          id="yours"
          title={`Welcome, ${viewer.fullname ?? viewer.name}`}
          heading="h1"
          repos={props.yours ?? []}
          caption="What you work on"
          empty={
            <Empty
              icon="box"
              title="Nothing of yours yet"
              action={
                <span class="inline-flex flex-wrap justify-center gap-2">
                  <LinkButton look="primary" icon="plus" href="/new">
                    New model
                  </LinkButton>
                  <LinkButton icon="building-2" href="/organizations/new">
                    New organization
                  </LinkButton>
                </span>
              }
            >
              Repositories of yours and of your organizations are listed here, last changed first.
            </Empty>
          }
        />
      ) : (
        <div class="grid gap-1">
          <h1 class="text-2xl">{props.context.instanceName}</h1>
          <p class="lede">
            Models, datasets and spaces, kept with their whole history and reached by git, hf and the Hugging Face
            libraries as they are.
          </p>
        </div>
      )}
      <HomeSection
        id="recent"
        title="Last changed"
        heading="h2"
        repos={props.recent}
        caption="Last changed repositories"
        empty={
          <Empty icon="box" title="Nothing public yet">
            What anybody may see appears here.
          </Empty>
        }
      />
      <section class="grid gap-2 max-w-3xl" aria-labelledby="point">
        <h2 id="point">Point your tools here</h2>
        <Snippet label="commands" code={`export HF_ENDPOINT=${props.publicUrl}\nhf auth login --token hf_…`} />
      </section>
    </Page>
  )
}

function HomeSection(props: {
  id: string
  title: string
  heading: 'h1' | 'h2'
  caption: string
  repos: readonly RepoRow[]
  empty: Child
}) {
  const Heading = props.heading
  return (
    <section class="grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby={props.id}>
      <Heading id={props.id}>{props.title}</Heading>
      <div class="panel">
        {props.repos.length === 0 ? (
          props.empty
        ) : (
          <RepoRows caption={props.caption} repos={props.repos} showKind={true} />
        )}
      </div>
    </section>
  )
}

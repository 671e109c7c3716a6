/* A repository that is still to be filled: what is missing, and for those who may write how to bring it, with addresses
   that can be pasted. */
import { repoId, repoPath, revisionPath } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoTab, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Snippet } from '../../web/snippet.tsx'

type HowToFillProps = {
  repo: RepoView
  /** The hub's public URL, as programs must name it. */
  publicUrl: string
}

/** A repository without a commit. */
export function EmptyRepoPage(props: HowToFillProps & { context: PageContext; tab: RepoTab }) {
  const { context, repo, publicUrl } = props
  const id = repoId(repo)
  return (
    <Page
      context={context}
      title={id}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current={props.tab} />}
    >
      <section class="panel">
        <Empty
          icon="folder"
          title="Nothing here yet"
          action={
            repo.mayWrite && (
              <span class="flex flex-wrap gap-2 justify-center">
                <LinkButton look="primary" icon="upload" href={revisionPath(repo, 'upload', 'main')}>
                  Upload files
                </LinkButton>
                <LinkButton icon="file-plus" href={revisionPath(repo, 'new', 'main')}>
                  Create a file
                </LinkButton>
              </span>
            )
          }
        >
          {repo.mayWrite
            ? `${id} has no commit. Upload files or create one here, push with git, or upload with hf.`
            : `${id} has no commit. What is pushed to it appears here.`}
        </Empty>
      </section>
      {repo.mayWrite && <HowToFill repo={repo} publicUrl={publicUrl} />}
    </Page>
  )
}

/** Draw it only for those who may write. */
export function HowToFill({ repo, publicUrl }: HowToFillProps) {
  const type = repo.kind === 'model' ? '' : ` --repo-type ${repo.kind}`
  const url = `${publicUrl}${repoPath(repo)}`
  return (
    <div class="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      <section class="grid grid-cols-[minmax(0,1fr)] gap-2 content-start" aria-labelledby="by-hf">
        <h2 id="by-hf">Upload with hf</h2>
        <Snippet
          label="hf commands to upload"
          code={`export HF_ENDPOINT=${publicUrl}\nhf auth login --token hf_…\nhf upload ${repoId(repo)} .${type}`}
        />
      </section>
      <section class="grid grid-cols-[minmax(0,1fr)] gap-2 content-start" aria-labelledby="by-git">
        <h2 id="by-git">Push with git</h2>
        <Snippet
          label="git commands to push"
          code={`git clone ${url}\ncd ${repo.name}\ngit lfs track "*.safetensors"\ngit add .\ngit commit -m "First files"\ngit push`}
        />
        <p class="text-sm text-muted">
          git asks for a password: give it a{' '}
          <a class="a" href="/settings/tokens">
            token
          </a>{' '}
          that may write here.
        </p>
      </section>
    </div>
  )
}

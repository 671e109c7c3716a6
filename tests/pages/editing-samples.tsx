/* Pages that change and compare files, with every word that a stranger could have chosen passed through `words`. */
import { ComparePage, type Comparison } from '../../src/features/browse/compare-page.tsx'
import { DeletePage } from '../../src/features/editing/delete-page.tsx'
import { EditPage, NotOnBranchPage } from '../../src/features/editing/edit-page.tsx'
import { textChange } from '../../src/features/editing/line-diff.ts'
import { UploadPage } from '../../src/features/editing/upload-page.tsx'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PageNode } from '../../src/web/render.ts'
import type { RepoView } from '../../src/web/repo-place.tsx'

type Words = (text: string) => string

const head = '4f13eb1453e04fa05ec25a32691372ecb9ac31d8'

export function editingSamples(
  context: PageContext,
  words: Words,
  repo: RepoView,
  comparison: Comparison,
): Record<string, PageNode> {
  const fresh = { values: {}, errors: {} }
  const refused = {
    values: { summary: words('Three tides'), description: words('More of them'), newBranch: words('next') },
    errors: { path: words('That path is not allowed'), content: words('It holds a token'), files: words('Too large') },
    problem: words('Nothing was changed'),
  }
  const before = `${words('{')}\n${words('  "tides": 2')}\n}\n`
  const text = `${words('{')}\n${words('  "tides": 3')}\n}\n`
  const place = { context, repo, branch: words('main'), seen: head, barred: null, form: refused }
  const edit = {
    ...place,
    original: words('docs/config.json'),
    folder: words('docs'),
    path: words('docs/config.md'),
    text,
    closed: null,
    summary: words('Update docs/config.json'),
  }
  const change = textChange(before, text, 100)
  const by = { id: head, title: words('Antwerp'), name: words('jonas'), at: Date.UTC(2026, 10, 22) }
  const conflict = { path: words('docs/config.json'), head, by, isGone: false, theirs: change, yours: change }
  const barred = { message: words('acme wants signatures of people'), next: words('Push a signed commit') }
  const entries = [
    { name: words('a.txt'), isFolder: false, size: 12 },
    { name: words('docs'), isFolder: true, size: 0 },
  ]
  const some = { kind: 'some', entries, chosen: [words('a.txt')], isCut: true } as const
  return {
    edit: <EditPage {...edit} shown={{ kind: 'changes', change }} />,
    'edit-new': <EditPage {...edit} original={null} form={fresh} shown={{ kind: 'form' }} />,
    'edit-closed': <EditPage {...edit} text={null} closed={words('Not text')} shown={{ kind: 'form' }} />,
    'edit-barred': <EditPage {...edit} barred={barred} shown={{ kind: 'form' }} />,
    'edit-conflict': <EditPage {...edit} shown={{ kind: 'conflict', conflict }} />,
    'edit-tag': <NotOnBranchPage context={context} repo={repo} revision={words('v1')} />,
    'delete-file': (
      <DeletePage {...place} path={words('a/b.txt')} deleted={{ kind: 'file', size: 12 }} isChanged={true} />
    ),
    'delete-folder': (
      <DeletePage {...place} path={words('a/b')} deleted={{ kind: 'folder', files: null }} isChanged={false} />
    ),
    'delete-some': <DeletePage {...place} path={words('a')} deleted={some} isChanged={false} />,
    upload: <UploadPage {...place} folder={words('docs')} fileLimit={1_000_000} fileCount={1_000} />,
    compare: (
      <ComparePage
        context={context}
        repo={repo}
        base={words('main')}
        head={words('next')}
        names={[words('main'), words('next')]}
        comparison={comparison}
      />
    ),
  }
}

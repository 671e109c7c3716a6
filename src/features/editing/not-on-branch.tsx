/** What is answered where files are to be changed at a tag or a commit. */
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import type { Call } from '../../access/route.ts'
import { repoViewOf } from '../repos/service.ts'
import { NotOnBranchPage } from './edit-page.tsx'

export async function notOnBranch(
  { hub, facts, request }: Call<'repo.push', unknown, unknown>,
  revision: string,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  return pageReply(context, <NotOnBranchPage context={context} repo={repoViewOf(facts)} revision={revision} />)
}

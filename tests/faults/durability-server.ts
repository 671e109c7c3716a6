/** The traced half of durability.test.ts: serves pushes, and makes one API commit and one ref move for each line it is sent. */
import { createInterface } from 'node:readline'
import { openGitStore } from '../../src/platform/git/git-store.ts'
import { moveRefs } from '../../src/platform/git/refs.ts'
import { createRepository } from '../../src/platform/git/repository.ts'
import { zeroOid } from '../../src/platform/git/safe-names.ts'
import { stageCommit } from '../../src/platform/git/stage.ts'
import { serveGit } from '../support/git-http.ts'

const [folder = '', repo = ''] = process.argv.slice(2)
const store = await openGitStore({ folder })
await createRepository(store, repo)
const server = await serveGit(store, repo)
console.log(server.url)

for await (const _line of createInterface({ input: process.stdin })) {
  const stage = await stageCommit(store, repo, null)
  await stage.putBytes('file', Buffer.from('api'))
  const person = { name: 'a', email: 'b@c', at: Date.now() }
  const staged = await stage.finish({ author: person, committer: person, message: 'api' })
  await stage.publish()
  const moved = await moveRefs(store, repo, [{ ref: 'refs/heads/made/by-api', oldOid: zeroOid, newOid: staged.commit }])
  console.log(moved.ok ? 'done' : moved.message)
}
await server[Symbol.asyncDispose]()
await store.close()

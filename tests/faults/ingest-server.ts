/** The half of the kill rounds that dies: serves pushes and makes API commits in a loop, saying each one that is acknowledged. */
import { randomBytes } from 'node:crypto'
import { formatLfsPointer } from '../../src/domain/lfs-pointer.ts'
import { settleOnStart } from '../../src/features/ingest/service.ts'
import { commitFiles, openIngestHub, servePushes, uploadBlob } from '../support/ingest.ts'

const [folder = ''] = process.argv.slice(2)
const hub = await openIngestHub(folder)
await settleOnStart(hub)
const door = await servePushes(hub)
console.log(`ready ${door.url}`)

async function commitForever(name: string): Promise<never> {
  for (let count = 0; ; count++) {
    const pointer = { sha256: randomBytes(32).toString('hex'), size: 1000 + count }
    await uploadBlob(hub, pointer.sha256, pointer.size)
    const { commit } = await commitFiles(hub, {
      [`${name}/text`]: `${count}`,
      [`${name}/large`]: formatLfsPointer(pointer),
    })
    console.log(`acknowledged ${commit}`)
  }
}
await Promise.all([commitForever('one'), commitForever('two')])

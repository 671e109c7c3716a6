import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describeBlobStore } from '../../../tests/support/blob-store-contract.ts'
import { givenS3, startS3rver } from '../../../tests/support/s3-servers.ts'
import { StrictS3 } from '../../../tests/support/strict-s3.ts'
import { makeLogger } from '../log/logger.ts'
import type { BlobStore } from './blob-store.ts'
import { S3Access, type S3Settings, usualBounds } from './s3-access.ts'
import { openS3BlobStore } from './s3-blob-store.ts'
import { listObjects } from './s3-list.ts'

const log = makeLogger({ level: 'silent' })

async function openWith(settings: S3Settings, count: () => Promise<number>, stop: () => Promise<void>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-s3-'))
  const opened: BlobStore[] = []
  const reopen = async (): Promise<BlobStore> => {
    const store = await openS3BlobStore({ settings, folder, log })
    opened.push(store)
    return store
  }
  return {
    store: await reopen(),
    reopen,
    // What waits on this machine's disk counts too.
    count: async () => (await count()) + (await readdir(path.join(folder, 'incoming'))).length,
    remove: async () => {
      for (const store of opened) await store.close()
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

describeBlobStore('S3 that is strict', async () => {
  const s3 = await StrictS3.start()
  return await openWith(
    s3.settings,
    async () => s3.count(),
    () => s3.stop(),
  )
})

describeBlobStore('S3 as s3rver', async () => {
  const s3 = await startS3rver()
  return await openWith(s3.settings, s3.count, s3.stop)
})

const given = givenS3()
if (given === null) console.warn('A real object storage is left out: HOLDFAST_TEST_S3_ENDPOINT names none.')
else {
  describeBlobStore('S3 as given', async () => {
    const s3 = new S3Access(given, usualBounds, log)
    const count = async () => {
      let objects = 0
      for await (const _object of listObjects(s3, given.prefix)) objects++
      return objects
    }
    return await openWith(given, count, async () => s3.close())
  })
}

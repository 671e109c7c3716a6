import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestStore, runClient, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { repositoryFolder } from './git-store.ts'
import { readSmallPack } from './pack-reader.ts'
import { objectId } from './pack-writer.ts'
import { Quarantine } from './quarantine.ts'

test('a small pack with both kinds of deltas reads as git says, and a large one is left to git', async () => {
  await using world = await openTestStore()
  const grow =
    'i=0; while [ $i -lt 12 ]; do seq 1 $((400+i)) > text; seq $i 300 > other; git add -A; git commit -qm c$i; i=$((i+1)); done'
  const work = await seedRepository(
    world,
    `${grow}\nhead -c 3000000 /dev/urandom > big; git add -A; git commit -qm big`,
  )
  for (const [folder, config] of [
    ['offset', 'repack.useDeltaBaseOffset=true'],
    ['ref', 'repack.useDeltaBaseOffset=false'],
  ] as const) {
    const copy = join(world.folder, folder)
    await runClient(world.folder, 'clone', '-q', '--bare', `file://${work}`, copy)
    await runClient(copy, 'reset', '-q', '--soft', 'HEAD~1')
    await runClient(copy, 'repack', '-q', '-a', '-d', '-f')
    await runClient(copy, '-c', config, 'repack', '-q', '-a', '-d', '-f', '--depth=50')
    await runClient(copy, 'prune', '--expire=now')
    const pack = (await readdir(join(copy, 'objects/pack'))).find((name) => name.endsWith('.idx')) ?? ''
    const listed = await runClient(copy, 'verify-pack', '-v', join('objects/pack', pack))
    expect(listed).toContain('chain length = 1')
    const entries = await readSmallPack(join(copy, 'objects'), () => true)
    expect(entries?.length).toBe(listed.match(/^[0-9a-f]{40} /gm)?.length)
    for (const entry of entries ?? []) expect(objectId(entry.type, entry.bytes ?? Buffer.alloc(0))).toBe(entry.oid)
    const trees = await readSmallPack(join(copy, 'objects'), (type) => type === 'tree')
    expect(trees?.map((entry) => [entry.oid, entry.size])).toEqual(entries?.map((entry) => [entry.oid, entry.size]))
    expect(trees?.filter((entry) => entry.bytes).every((entry) => entry.type === 'tree')).toBe(true)
  }
  // The whole history is over the limit: the same answers come from cat-file, in batches.
  const bare = repositoryFolder(world.store, testRepo)
  await runClient(bare, 'repack', '-q', '-a', '-d')
  expect(await readSmallPack(join(bare, 'objects'), () => true)).toBeNull()
  const incoming = join(world.folder, 'incoming')
  await mkdir(incoming)
  await rename(join(bare, 'objects/pack'), join(incoming, 'pack'))
  const quarantine = new Quarantine(world.store, testRepo, incoming)
  let count = 0
  for await (const batch of quarantine.objects((type, size) => type !== 'blob' || size < 5_000, 10_000)) {
    count += batch.length
    for (const object of batch) if (object.bytes) expect(objectId(object.type, object.bytes)).toBe(object.oid)
    expect(batch.filter((object) => object.size === 3_000_000 && object.bytes !== null)).toEqual([])
  }
  expect(count).toBe(13 * 2 + 12 * 2 + 1)
  await quarantine.close()
})

/** Attacks on the audit log by somebody who can write the database, as `holdfast audit verify` tells them; and the commands. */
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { auditEvent, checkLog, writeEvents } from '../../tests/support/audit-events.ts'
import { serveRestored, silent } from '../../tests/support/backups.ts'
import { dialects, makeSchema } from '../../tests/support/databases.ts'
import { readConfig } from '../config.ts'
import { canonicalEvent, hashEvent, hashSeal, timeOfId } from '../features/audit/seal-format.ts'
import { sealNow } from '../features/audit/service.ts'
import { type Hub, openHub } from '../hub.ts'
import { makeLogger } from '../platform/log/logger.ts'
import { auditCommand } from './audit.ts'
import { backUp } from './backup.ts'
import { auditFinding } from './doctor.ts'

describe.each(dialects)('the audit log on %s', (dialect) => {
  let folder: string
  let hub: Hub
  let ids: string[]
  let drop: () => Promise<void>

  // A hub without a server: it seals when the test says so. Three seals of three events, each signed.
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-audit-'))
    const schema = dialect === 'postgres' ? await makeSchema() : null
    drop = schema?.drop ?? (() => Promise.resolve())
    const env: Record<string, string> = schema === null ? {} : { HOLDFAST_DATABASE_URL: schema.options.url }
    hub = await openHub(readConfig({ HOLDFAST_DATA: path.join(folder, 'data'), ...env }), {
      log: makeLogger({ level: 'silent' }),
    })
    ids = []
    for (let seal = 1; seal <= 3; seal++) {
      ids.push(...(await writeEvents(hub, 3)))
      await sealNow(hub)
    }
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await hub.close()
    await drop()
    await rm(folder, { recursive: true, force: true })
  })

  /** What an administrator types into the database's shell. */
  const attack = (statement: string) => hub.transaction((tx) => sql.raw(statement).execute(tx))
  const id = (index: number): string => ids[index] ?? ''

  async function run(...args: string[]): Promise<{ out: string; code: number | string | undefined }> {
    let out = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    })
    const shared = { ...hub, close: () => Promise.resolve() }
    process.exitCode = 0
    try {
      await new Command()
        .exitOverride()
        .addCommand(auditCommand(() => Promise.resolve(shared)))
        .parseAsync(['audit', ...args], { from: 'user' })
      return { out, code: process.exitCode }
    } finally {
      process.exitCode = 0
      vi.restoreAllMocks()
    }
  }

  test('left alone, it verifies; what waits for its seal is told', async () => {
    await writeEvents(hub, 2)
    const { out, code } = await run('verify')
    expect(out).toMatch(/^checked\t9 events in 3 seals, from the first seal on\nlast seal\t3:[0-9a-f]{64} of /)
    expect(out).toMatch(
      /\nunsigned\t0 seals.*\nunsealed\t2 events, the oldest of .*\ndownloads\t0 records in 0 seals\nNothing was changed\.\n$/,
    )
    expect(code).toBe(0)
    expect(JSON.parse((await run('verify', '--json')).out)).toMatchObject({
      ok: true,
      events: 9,
      unsealed: { count: 2 },
    })
    expect(await auditFinding(hub)).toMatchObject({ state: 'ok', detail: expect.stringContaining('9 events signed') })
  })

  test('he changes who did it: the event is named, and the exit code is 1', async () => {
    await attack(`update "event" set "actorName" = 'eve' where "id" = '${id(4)}'`)
    const { out, code } = await run('verify')
    expect(out).toContain(`event-changed\tEvent ${id(4)} was changed after it was sealed.\n`)
    expect(out).toMatch(/\n1 faults\.\n$/)
    expect(code).toBe(1)
    expect(JSON.parse((await run('verify', '--json')).out)).toMatchObject({
      ok: false,
      faults: 1,
      faultList: [{ kind: 'event-changed', seal: 2, eventId: id(4) }],
    })
  })

  test('he changes it in any column, and only there', async () => {
    for (const column of [
      'at',
      'action',
      'actorId',
      'credentialLast4',
      'resourceId',
      'ownerId',
      'ip',
      'requestId',
      'data',
    ]) {
      const before = (await sql.raw(`select "${column}" as x from "event" where id = '${id(0)}'`).execute(hub.db.read))
        .rows
      const old = (before as { x: string | number | null }[])[0]?.x ?? null
      await attack(`update "event" set "${column}" = ${column === 'at' ? '1' : "'x'"} where "id" = '${id(0)}'`)
      expect([column, (await checkLog(hub)).kinds]).toEqual([column, ['event-changed']])
      await attack(`update "event" set "${column}" = ${old === null ? 'null' : `'${old}'`} where "id" = '${id(0)}'`)
    }
    expect((await checkLog(hub)).kinds).toEqual([])
  })

  test('he deletes an event; with its place in the seal, with its whole seal', async () => {
    await attack(`delete from "event" where "id" = '${id(4)}'`)
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'event-deleted', seal: 2, eventId: id(4) }])
    await attack(`delete from "sealedEvent" where "eventId" = '${id(4)}'`)
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-changed', seal: 2 }])
    await attack('delete from "auditSeal" where "number" = 2')
    expect((await checkLog(hub)).kinds).toEqual(['seal-missing', 'seal-missing', 'checkpoint-wrong', 'seal-missing'])
    await attack('delete from "sealedEvent" where "seal" = 2')
    await attack('delete from "auditCheckpoint" where "number" = 2')
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-missing', seal: 2, text: 'Seal 2 is missing.' }])
  })

  test('he swaps what two events say, and the order of two events', async () => {
    const swapIds = async (): Promise<void> => {
      await attack(`update "event" set "id" = 'swap' where "id" = '${id(0)}'`)
      await attack(`update "event" set "id" = '${id(0)}' where "id" = '${id(8)}'`)
      await attack(`update "event" set "id" = '${id(8)}' where "id" = 'swap'`)
    }
    await swapIds()
    expect((await checkLog(hub)).faults).toMatchObject([
      { kind: 'event-changed', eventId: id(0) },
      { kind: 'event-changed', eventId: id(8) },
    ])
    await swapIds()
    expect((await checkLog(hub)).kinds).toEqual([])
    await attack('update "sealedEvent" set "position" = 1 - "position" where "seal" = 3 and "position" < 2')
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-changed', seal: 3 }])
  })

  test('he puts an event into a seal of before, and one that is not sealed at all', async () => {
    const forged = auditEvent(hub, { id: `${id(0).slice(0, 12)}${'8'.repeat(12)}`, actorName: 'eve' })
    await writeEvents(hub, 1, forged)
    expect((await checkLog(hub)).report.unsealed).toEqual({ count: 1, oldestAt: timeOfId(forged.id) })
    const hash = hashEvent(canonicalEvent(forged))
    await attack(
      `insert into "sealedEvent" ("eventId", "seal", "position", "hash") values ('${forged.id}', 1, 3, '${hash}')`,
    )
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-changed', seal: 1 }])
    await attack(`update "sealedEvent" set "position" = 2 where "eventId" = '${forged.id}'`)
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-changed', seal: 1 }])
    await attack(`update "sealedEvent" set "seal" = -7 where "eventId" = '${forged.id}'`)
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-missing', seal: -7, eventId: forged.id }])
  })

  test('he dates an event back and lets the hub seal it: it is sealed, and told as out of order', async () => {
    const at = hub.clock.now() - 3_600_000
    const [old = ''] = await writeEvents(hub, 1, { id: `${at.toString(16).padStart(12, '0')}${'7'.repeat(12)}`, at })
    await sealNow(hub)
    const { out, code } = await run('verify')
    expect(out).toContain(
      `look\t1 events were sealed long after younger ones, by a repair after a crash or by hand: ${old}`,
    )
    expect(code).toBe(0)
  })

  test('he drops the end of the log, checkpoint and all: the data folder remembers, and doctor sees it', async () => {
    await attack(`delete from "event" where "id" in (select "eventId" from "sealedEvent" where "seal" = 3)`)
    await attack('delete from "sealedEvent" where "seal" = 3')
    await attack('delete from "auditSeal" where "number" = 3')
    await attack('delete from "auditCheckpoint" where "number" = 3')
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-missing', seal: 3 }])
    expect(await auditFinding(hub)).toMatchObject({
      state: 'broken',
      detail: 'Checkpoint 3, which this hub signed, is gone.',
    })
    // The log grows again, with new seals under the old numbers: the hub signs them, but does not forget.
    for (let seal = 3; seal <= 6; seal++) {
      await writeEvents(hub, 3)
      await sealNow(hub)
    }
    expect((await checkLog(hub)).faults).toMatchObject([{ kind: 'seal-replaced', seal: 3 }])
    // With the file gone too, only somebody who noted a seal elsewhere can tell.
    await unlink(path.join(hub.config.dataFolder, 'audit-checkpoint.json'))
    expect((await run('verify')).code).toBe(0)
    const { out, code } = await run('verify', '--expect', `3:${'a'.repeat(64)}`, '--expect', `99:${'b'.repeat(64)}`)
    expect(out).toMatch(/^seal-replaced\tSeal 3 [\s\S]*\nseal-missing\tSeal 99 /)
    expect(code).toBe(1)
  })

  /** Changes an event and computes all hashes from there anew, as the open source tells everybody. */
  async function rebuild(): Promise<void> {
    await attack(`update "event" set "actorName" = 'eve' where "id" = '${id(1)}'`)
    const { db } = hub
    let previous = '0'.repeat(64)
    for (const seal of await db.list.selectFrom('auditSeal').selectAll().orderBy('number').execute()) {
      const sum = hashSeal({ ...seal, previous })
      const entries = await db.list
        .selectFrom('sealedEvent')
        .innerJoin('event', 'event.id', 'sealedEvent.eventId')
        .selectAll('event')
        .where('seal', '=', seal.number)
        .orderBy('position')
        .execute()
      for (const event of entries) {
        const hash = hashEvent(canonicalEvent(event))
        sum.add(event.id, hash)
        await attack(`update "sealedEvent" set "hash" = '${hash}' where "eventId" = '${event.id}'`)
      }
      const hash = sum.digest()
      await attack(
        `update "auditSeal" set "hash" = '${hash}', "previous" = '${previous}' where "number" = ${seal.number}`,
      )
      previous = hash
    }
  }

  test('he makes the whole chain anew, but has not the key', async () => {
    await rebuild()
    expect(new Set((await checkLog(hub)).kinds)).toEqual(new Set(['checkpoint-wrong', 'seal-replaced']))
    // He lets the checkpoints name the new seals: the signatures are not of that.
    await attack(
      'update "auditCheckpoint" set "hash" = (select "hash" from "auditSeal" s where s."number" = "auditCheckpoint"."number")',
    )
    const wrong = await checkLog(hub)
    expect(wrong.kinds.filter((kind) => kind === 'checkpoint-wrong')).toHaveLength(3)
    expect(wrong.report.lastCheckpoint).toBeNull()
    expect(await auditFinding(hub)).toMatchObject({ state: 'broken' })
    // He signs with a key of his own.
    await attack(`update "auditCheckpoint" set "keyId" = '0123456789abcdef'`)
    expect((await checkLog(hub)).faults[0]?.text).toContain('signed by the key 0123456789abcdef, which is not one of')
    // He takes the checkpoints away, and the file: but there must be one each minute.
    await attack('delete from "auditCheckpoint"')
    await unlink(path.join(hub.config.dataFolder, 'audit-checkpoint.json'))
    expect((await checkLog(hub)).report.unsignedSeals).toBe(3)
    await attack('update "auditSeal" set "sealedAt" = "sealedAt" + 60000 where "number" = 3')
    expect((await checkLog(hub)).kinds).toContain('checkpoint-missing')
  })

  test('he spoils the file in the data folder', async () => {
    const file = path.join(hub.config.dataFolder, 'audit-checkpoint.json')
    const text = await readFile(file, 'utf8')
    for (const spoilt of ['{', '{}', text.replace('"number":3', '"number":2')]) {
      await writeFile(file, spoilt)
      expect((await checkLog(hub)).kinds).toEqual(['checkpoint-wrong'])
    }
    await writeEvents(hub, 1)
    await sealNow(hub)
    expect(await readFile(file, 'utf8')).toBe(text.replace('"number":3', '"number":2'))
  })

  describe('a copy that is checked elsewhere', () => {
    let copy: string
    let keys: string
    const check = (...more: string[]) => run('verify', copy, '--public-key', keys, ...more)

    beforeEach(async () => {
      copy = path.join(folder, 'audit.ndjson')
      keys = path.join(folder, 'keys.pem')
      await writeFile(copy, (await run('export')).out)
      await writeFile(keys, (await run('public-key')).out)
    })

    test('verifies with the public key alone, by OpenSSL and sha256 too', async () => {
      expect(await check()).toMatchObject({
        code: 0,
        out: expect.stringMatching(/9 events in 3 seals[\s\S]*Nothing was changed/),
      })
      const lines = (await readFile(copy, 'utf8')).trim().split('\n')
      const [event] = lines.map((text) => JSON.parse(text)).filter(({ type }) => type === 'event')
      const raw =
        lines
          .find((text) => text.includes('"type":"event"'))
          ?.split('"event":')
          .at(-1)
          ?.slice(0, -1) ?? ''
      expect(createHash('sha256').update(raw).digest('hex')).toBe(event.hash)
      const signed = lines.map((text) => JSON.parse(text)).find(({ type }) => type === 'checkpoint')
      const text = `holdfast audit checkpoint 1\n${signed.number}\n${signed.hash}\n${signed.total}\n${signed.madeAt}\n`
      const key = createPublicKey(await readFile(keys, 'utf8'))
      expect(verifySignature(null, Buffer.from(text), key, Buffer.from(signed.signature, 'base64'))).toBe(true)
    })

    test('without a key it is refused, and a wrong one believes nothing', async () => {
      await expect(run('verify', copy)).rejects.toThrow('Whose log shall it be?')
      const elsewhere = await openHub(readConfig({ HOLDFAST_DATA: path.join(folder, 'elsewhere') }), {
        log: makeLogger({ level: 'silent' }),
      })
      await writeFile(keys, elsewhere.keys.signingKeys('audit-checkpoint')[0].pem)
      await elsewhere.close()
      expect((await check()).out).toContain('which is not one of those given')
      await writeFile(keys, 'no key')
      await expect(check()).rejects.toThrow('no public key in PEM form')
    })

    test('changed, shortened, cut, another format: told', async () => {
      const text = await readFile(copy, 'utf8')
      const lines = text.trimEnd().split('\n')
      const tryLines = async (changed: readonly string[]) => {
        await writeFile(copy, `${changed.join('\n')}\n`)
        return await check()
      }
      expect((await tryLines(lines.map((line) => line.replaceAll('"ada"', '"eve"')))).out).toContain('event-changed')
      expect(await tryLines(lines.slice(0, -1))).toMatchObject({
        code: 1,
        out: expect.stringContaining('file-incomplete'),
      })
      await expect(tryLines([...lines.slice(0, 3), ...lines.slice(4)])).rejects.toThrow('and should have')
      await expect(tryLines(['{"type":"other"}'])).rejects.toThrow('not an audit log')
      await expect(tryLines([...lines, lines[1] ?? ''])).rejects.toThrow('is not one of an audit log')
      await expect(tryLines(lines.map((line) => line.slice(0, -1)))).rejects.toThrow('Line 1 is not JSON')
    })

    test('only what came since begins at a signed checkpoint, and a later whole copy continues the earlier one', async () => {
      const noted = /last seal\t(\d+:[0-9a-f]{64})/.exec((await check()).out)?.[1] ?? ''
      const since = new Date(hub.clock.now() + 1).toISOString()
      await writeFile(copy, (await run('export', '--since', since)).out)
      expect((await check()).out).toMatch(/0 events in 0 seals, after seal 3/)
      await writeEvents(hub, 2)
      await sealNow(hub)
      await writeFile(copy, (await run('export', '--since', since)).out)
      expect((await check('--expect', noted)).out).toMatch(
        /2 events in 1 seals, after seal 3[\s\S]*Nothing was changed/,
      )
      const anchored = (await readFile(copy, 'utf8')).replace('"total":9', '"total":8')
      await writeFile(copy, anchored)
      expect((await check()).out).toContain('checkpoint-wrong')
    })
  })

  test.each(dialects)('a backup restored on %s verifies, and goes on', async (into) => {
    await writeEvents(hub, 2)
    await backUp(hub, path.join(folder, 'backup'), silent)
    const restored = await serveRestored(path.join(folder, 'backup'), into)
    try {
      await sealNow(restored.hub)
      const { kinds, report } = await checkLog(restored.hub)
      expect([kinds, report.events, report.unsealed?.count]).toEqual([[], 11, 0])
    } finally {
      await restored.stop()
    }
  })
})

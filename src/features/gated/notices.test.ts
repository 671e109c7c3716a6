/** Who is written to about requests at a gate, through a real SMTP connection (REP-4, REP-5). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../../../tests/support/accounts.ts'
import { type GateWorld, startGateWorld } from '../../../tests/support/gate.ts'
import { makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import { noticeJobs } from './notices.ts'

describe('mail about gates', () => {
  let sink: SmtpSink
  let world: GateWorld

  beforeAll(async () => {
    sink = await startSmtpSink()
    world = await startGateWorld('sqlite', { HOLDFAST_SMTP_URL: sink.url })
  })
  afterAll(async () => {
    await world.site.stop()
    await sink.stop()
  })

  /** The mails that come of `act`, once there are `count`. */
  async function mailsOf(count: number, act: () => Promise<unknown>): Promise<{ to: string; text: string }[]> {
    const before = sink.mails.length
    await act()
    await sink.received(before + count)
    return sink.mails.slice(before)
  }

  test('REP-4: a request is told to the administrators of the organization, or to the address that was set', async () => {
    const repo = await world.makeGated()
    const { askAccess, cancel } = world.at(repo)
    const [mail] = await mailsOf(1, () => askAccess(world.bob.token))
    expect(mail?.to).toBe('ada@example.org')
    expect(mail?.text).toContain(`bob asks for access to the files of ${repo}`)
    expect(mail?.text).toContain(`${world.site.url}/${repo}/settings/access-requests`)
    // What was answered stays behind the sign-in.
    expect(mail?.text).not.toContain('Okoro Ports')
    await cancel(world.bob.token)
    await world.put(repo, world.ada.token, { gatedNotificationsEmail: 'gate@acme.example' })
    const [told] = await mailsOf(1, () => askAccess(world.bob.token))
    expect(told?.to).toBe('gate@acme.example')
  })

  test('REP-5: whoever asked is told what was decided, with the reason; for a service account its administrator is', async () => {
    const repo = await world.makeGated()
    const { askAccess, handle, grant } = world.at(repo)
    await mailsOf(1, () => askAccess(world.bob.token))
    const [rejected] = await mailsOf(1, () =>
      handle({ user: 'bob', status: 'rejected', rejectionReason: 'No company given' }),
    )
    expect(rejected?.to).toBe('bob@example.org')
    expect(rejected?.text).toContain('was rejected')
    expect(rejected?.text).toContain('No company given')
    const [accepted] = await mailsOf(1, () => handle({ user: 'bob', status: 'accepted' }))
    expect(accepted?.text).toContain(`Your request for access to the files of ${repo}`)
    expect(accepted?.text).toContain('was accepted')
    const gail = await makeUser(world.site, 'gail', { password: 'a long enough sentence' })
    await world.site.hub.transaction((tx) => tx.updateTable('email').set({ verifiedAt: 1 }).execute())
    const labs = await makeOrganization(world.site, 'labs', gail)
    const machine = await makeServiceAccount(world.site, labs, 'ci train')
    const { post } = await world.signedIn({ ...gail, token: '' })
    const body = { Company: 'x', Country: 'FR', Born: '1990-01-01', Use: 'Research', 'I agree': 'on' }
    const [asked] = await mailsOf(1, () => post(`/${repo}/ask-access`, { ...body, _for: machine.id }))
    expect(asked?.text).toContain('service account ci train of labs asks')
    const [told] = await mailsOf(1, () => grant({ user: `sa-${machine.id}` }))
    expect(told?.to).toBe('gail@example.org')
    expect(told?.text).toContain('The request for the service account ci train of labs')
  })

  test('REP-4: once a day, they are told together, and not at all where none waits any more', async () => {
    const { site } = world
    const repo = await world.makeGated()
    const { askAccess, handle } = world.at(repo)
    await world.put(repo, world.ada.token, { gatedNotificationsMode: 'bulk' })
    const before = sink.mails.length
    await askAccess(world.bob.token)
    const eve = await makeUser(site, 'eve', { tokenRole: 'write' })
    await askAccess(eve.token)
    const waiting = (await site.hub.db.read.selectFrom('job').selectAll().execute()).filter(
      ({ queue }) => queue === 'access-digest',
    )
    expect(waiting).toHaveLength(1)
    const [job] = waiting
    expect((job?.runAt ?? 0) - site.hub.clock.now()).toBeGreaterThan(86_000_000)
    expect(sink.mails).toHaveLength(before)
    const digest = noticeJobs(site.hub)['access-digest']
    if (digest === undefined) throw new Error('There is no digest.')
    const run = () => digest(JSON.parse(job?.payload ?? ''), new AbortController().signal)
    const [mail] = await mailsOf(1, run)
    expect(mail?.to).toBe('ada@example.org')
    expect(mail?.text).toContain(`2 requests wait for access to the files of ${repo}`)
    await handle({ user: 'bob', status: 'rejected' })
    await mailsOf(0, () => handle({ user: 'eve', status: 'rejected' }))
    const jobs = await site.hub.db.read.selectFrom('job').select('queue').execute()
    await run()
    const after = await site.hub.db.read.selectFrom('job').select('queue').execute()
    expect(after.filter(({ queue }) => queue === 'mail').length).toBeLessThanOrEqual(
      jobs.filter(({ queue }) => queue === 'mail').length,
    )
  })
})

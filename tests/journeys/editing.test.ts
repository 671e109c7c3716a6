/* Files are changed in a real browser, with and without JavaScript: made, edited, renamed, deleted and uploaded; two people at once; two
   revisions compared. On each page axe finds nothing and the browser has nothing to say. HOLDFAST_TEST_PICTURES names a folder for pictures. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeUser, type TestUser } from '../support/accounts.ts'
import { expectAccessible, findChromium, openBrowser, signInOn } from '../support/browser.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { fillRepo, makeRepo, type TestRepo } from '../support/world.ts'

const password = 'a long and quiet word'
const chromium = findChromium()
const weights = randomBytes(700_000)
const others = randomBytes(300_000)

describe.skipIf(chromium === null)('files changed in a browser', { timeout: 90_000 }, () => {
  let site: TestHub
  let browser: Browser
  let scripted: Page
  let plain: Page
  let mara: TestUser
  let repo: TestRepo
  let folder: string
  const said: string[] = []

  beforeAll(async () => {
    site = await startHub({ env: { HOLDFAST_MAX_REGULAR_FILE: '256KiB', HOLDFAST_MULTIPART_PART: '256KiB' } })
    mara = await makeUser(site, 'mara', { password })
    repo = await newRepo('harbor-7b')
    browser = await openBrowser(chromium ?? '')
    scripted = await signInOn(browser, site.url, 'mara', password)
    plain = await signInOn(browser, site.url, 'mara', password, { javaScriptEnabled: false })
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-upload-'))
    await mkdir(path.join(folder, 'set', 'deep'), { recursive: true })
    await writeFile(path.join(folder, 'weights.bin'), weights)
    await writeFile(path.join(folder, 'notes.txt'), 'Some notes\n')
    await writeFile(path.join(folder, 'set', 'a.csv'), 'a,b\n1,2\n')
    await writeFile(path.join(folder, 'set', 'deep', 'others.bin'), others)
    for (const page of [scripted, plain]) {
      page.setDefaultTimeout(15_000)
      page.on('console', (message) => said.push(`${page.url()}: ${message.text()}`))
      page.on('pageerror', (error) => said.push(`${page.url()}: ${error}`))
    }
  })
  beforeEach(() => {
    said.length = 0
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function newRepo(name: string): Promise<TestRepo> {
    const made = await makeRepo(site.hub, mara, name, { visibility: 'private' })
    const script = `
      printf '# Harbor 7B\\n\\nReads tide tables.\\n' > README.md && mkdir docs && printf 'Sources\\n' > docs/sources.md
      printf '{\\n  "tides": 2,\\n  "port": "Vlissingen"\\n}\\n' > config.json && git add -A && git commit -qm 'Begin' && git tag v1
      git switch -qc next && printf '{\\n  "tides": 4,\\n  "port": "Vlissingen"\\n}\\n' > config.json && git commit -qam 'Four tides'
    `
    await fillRepo(site.hub, made, script)
    return made
  }

  const open = (page: Page, address: string) => page.goto(`${site.url}/${repo.address}${address}`)
  /** The text area, or the editor in its place. */
  const box = (page: Page) => page.getByRole('textbox', { name: 'Contents' })
  const textIn = (page: Page) => page.locator('textarea[name=content]').inputValue()
  const raw = async (page: Page, address: string) => {
    const answer = await page.request.get(`${site.url}/${repo.address}/resolve/${address}`)
    return answer.body()
  }
  /** Refused forms are answers of 4xx, which Chromium writes to its console. */
  const quiet = () => expect(said.filter((line) => !/status of (409|412|422)/.test(line))).toEqual([])

  describe.each(['with', 'without'] as const)('%s scripts', (how) => {
    let page: Page
    let other: Page

    beforeAll(async () => {
      ;[page, other] = how === 'with' ? [scripted, plain] : [plain, scripted]
      repo = await newRepo(`harbor-${how}`)
    })

    /** Axe is a script itself. */
    const look = async (name: string) => {
      if (how === 'with') await expectAccessible(page, name)
    }

    test('a file is looked at, changed, shown before it is committed, and committed', async () => {
      await open(page, '/tree/main')
      await page.getByRole('link', { name: 'config.json', exact: true }).click()
      await page.getByRole('link', { name: 'Edit config.json' }).click()
      await look('edit')
      expect(await textIn(page)).toBe('{\n  "tides": 2,\n  "port": "Vlissingen"\n}\n')
      await box(page).fill('{\n  "tides": 3,\n  "port": "Vlissingen"\n}\n')
      await page.getByLabel('Summary').fill('Three tides')
      await page.getByRole('button', { name: 'Show changes' }).click()
      await page.getByRole('heading', { name: 'What this commit would change' }).waitFor()
      expect(await page.locator('ins').allTextContents()).toEqual(['3'])
      await look('edit-changes')
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByText('config.json is committed to main').waitFor()
      expect((await raw(page, 'main/config.json')).toString()).toContain('"tides": 3')
      await page.getByRole('link', { name: 'Three tides' }).waitFor()
      quiet()
    })

    test('made with a preview, renamed, deleted; a folder by its name; some by their boxes', async () => {
      await open(page, '/tree/main/docs')
      await page.getByRole('button', { name: 'Add file' }).click()
      await page.getByRole('link', { name: 'Create a file' }).click()
      await page.getByRole('textbox', { name: 'Path' }).fill('docs/deep/usage.md')
      await box(page).fill('# Usage\n\nRead **slowly**.\n')
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.locator('.card-text strong', { hasText: 'slowly' }).waitFor()
      await look('new-preview')
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByText('docs/deep/usage.md is committed to main').waitFor()
      await page.getByRole('link', { name: 'Edit docs/deep/usage.md' }).click()
      await page.getByRole('textbox', { name: 'Path' }).fill('../usage.md')
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByText('is not allowed').waitFor()
      await look('edit-refused')
      await page.getByRole('textbox', { name: 'Path' }).fill('docs/deep/guide.md')
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByText('docs/deep/guide.md is committed to main').waitFor()
      await page.getByRole('link', { name: 'Delete docs/deep/guide.md' }).click()
      await look('delete-file')
      await page.getByRole('button', { name: 'Delete file' }).click()
      await page.getByText('docs/deep/guide.md is deleted on main').waitFor()
      await open(page, '/tree/main')
      await page.getByRole('button', { name: 'Add file' }).click()
      await page.getByRole('link', { name: 'Delete files' }).click()
      await look('delete-some')
      await page.getByRole('link', { name: 'Delete the whole folder docs' }).click()
      await page.getByRole('button', { name: 'Delete folder' }).click()
      // The browser asks for the word itself.
      await page.getByLabel('to confirm').fill('doc')
      await page.getByRole('button', { name: 'Delete folder' }).click()
      await page.getByText('Type docs to delete the folder.').waitFor()
      await look('delete-folder')
      await page.getByLabel('to confirm').fill('docs')
      await page.getByRole('button', { name: 'Delete folder' }).click()
      await page.getByText('docs is deleted on main').waitFor()
      quiet()
    })

    test('two people change one file, and the second sees both changes before deciding', async () => {
      await open(page, '/edit/main/config.json')
      await box(page).fill('{\n  "tides": 3,\n  "port": "Hull"\n}\n')
      await open(other, '/edit/main/config.json')
      await box(other).fill('{\n  "tides": 3,\n  "port": "Antwerp"\n}\n')
      await other.getByLabel('Summary').fill('The port is Antwerp')
      await other.getByRole('button', { name: 'Commit changes' }).click()
      await other.getByText('config.json is committed').waitFor()
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByRole('heading', { name: 'config.json was changed since you opened this page' }).waitFor()
      await page.getByRole('link', { name: 'The port is Antwerp' }).waitFor()
      expect(await textIn(page)).toContain('Hull')
      await look('conflict')
      await page.getByRole('button', { name: 'Take the newer one as the base, keep my text' }).click()
      await page.getByRole('heading', { name: 'What this commit would change' }).waitFor()
      expect(await page.locator('del').allTextContents()).toEqual(['Antwerp'])
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByText('config.json is committed to main').waitFor()
      expect((await raw(page, 'main/config.json')).toString()).toContain('Hull')
      quiet()
    })

    test('an empty repository offers to be filled, and takes its first file', async () => {
      const bare = await makeRepo(site.hub, mara, `bare-${how}`)
      await page.goto(`${site.url}/${bare.address}`)
      await look('empty')
      await page.getByRole('link', { name: 'Create a file' }).click()
      await page.getByRole('textbox', { name: 'Path' }).fill('README.md')
      await box(page).fill('# First\n')
      await page.getByRole('button', { name: 'Commit changes' }).click()
      await page.getByText('README.md is committed to main').waitFor()
      quiet()
    })

    test('two revisions are compared, from the list of branches', async () => {
      await open(page, '/refs')
      await look('refs')
      await page.getByRole('link', { name: 'Compare branch next with main' }).click()
      await page.getByRole('link', { name: 'Four tides' }).waitFor()
      expect(await page.locator('ins').allTextContents()).toContain('4')
      await look('compare')
      await page.getByLabel('From').fill('next')
      await page.getByLabel('To').fill('v1')
      await page.getByRole('button', { name: 'Compare' }).click()
      await page.getByRole('heading', { name: 'Nothing to compare' }).waitFor()
      await open(page, '/tree/main')
      await look('tree')
      await open(page, '/blob/main/config.json')
      await look('blob')
      quiet()
    })
  })

  test('without a script: files are uploaded by the plain field, and a form without any is refused', async () => {
    await open(plain, '/upload/main/data')
    await plain.getByRole('button', { name: 'Upload files' }).click()
    await plain.getByText('Choose at least one file.').waitFor()
    await plain.getByLabel('Files').setInputFiles([path.join(folder, 'notes.txt'), path.join(folder, 'weights.bin')])
    await plain.getByLabel('Summary').fill('By hand')
    await plain.getByRole('button', { name: 'Upload files' }).click()
    await plain.getByText('2 files uploaded to main').waitFor()
    await plain.getByRole('link', { name: 'weights.bin', exact: true }).waitFor()
    await plain.getByText('LFS', { exact: true }).first().waitFor()
    expect((await raw(plain, 'main/data/weights.bin')).equals(weights)).toBe(true)
    quiet()
  })

  test('with scripts: tab indents, Escape lets go, and unsaved text asks before it is left', async () => {
    await open(scripted, '/edit/main/config.json')
    await box(scripted).fill('one\ntwo\nthree')
    const isFocused = () => box(scripted).evaluate((element) => element.matches(':focus'))
    expect(await isFocused()).toBe(true)
    for (const key of ['Control+Home', 'ArrowDown', 'Shift+ArrowDown', 'Shift+End']) await scripted.keyboard.press(key)
    await scripted.keyboard.press('Tab')
    expect(await textIn(scripted)).toBe('one\n  two\n  three')
    await scripted.keyboard.press('Control+z')
    expect(await textIn(scripted)).toBe('one\ntwo\nthree')
    await scripted.keyboard.press('Control+y')
    expect(await textIn(scripted)).toBe('one\n  two\n  three')
    await scripted.keyboard.press('Shift+Tab')
    expect(await textIn(scripted)).toBe('one\ntwo\nthree')
    await scripted.keyboard.press('Escape')
    await scripted.keyboard.press('Tab')
    expect(await isFocused()).toBe(false)
    const asked = scripted.waitForEvent('dialog')
    const left = scripted.getByRole('link', { name: 'Cancel' }).click()
    const dialog = await asked
    expect(dialog.type()).toBe('beforeunload')
    await dialog.dismiss()
    await left
    expect(await textIn(scripted)).toContain('three')
    scripted.once('dialog', (again) => void again.accept())
    await open(scripted, '/tree/main')
    quiet()
  })

  test('with scripts: the editor numbers lines, colours the language, and searches', async () => {
    await open(scripted, '/edit/main/config.json')
    // Colours come with the language, which is fetched; a policy without inline styles lets them through.
    const named = box(scripted).locator('span', { hasText: '"tides"' })
    const colourOf = (place: Locator) =>
      place.evaluate((element) => element.ownerDocument.defaultView?.getComputedStyle(element).color)
    await named.waitFor()
    expect(await colourOf(named)).not.toBe(await colourOf(box(scripted)))
    expect(await scripted.locator('.cm-lineNumbers .cm-gutterElement').allTextContents()).toContain('4')
    await box(scripted).click()
    await scripted.keyboard.press('Control+f')
    await scripted.getByRole('textbox', { name: 'Find' }).pressSequentially('tides')
    await scripted.locator('.cm-searchMatch').waitFor()
    await expectAccessible(scripted, 'edit-search')
    await scripted.keyboard.press('Escape')
    await scripted.getByRole('textbox', { name: 'Path' }).fill('docs/port.md')
    await scripted.getByRole('textbox', { name: 'Path' }).blur()
    await named.waitFor({ state: 'detached' })
    expect(await textIn(scripted)).toContain('"tides"')
    scripted.once('dialog', (again) => void again.accept())
    await open(scripted, '/tree/main')
    quiet()
  })

  test('with scripts: files and folders come in one commit by the protocol of the Hub, in parts, each with its bar', async () => {
    const asked: string[] = []
    scripted.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`))
    await open(scripted, '/upload/main')
    await scripted.getByLabel('Files', { exact: true }).setInputFiles([path.join(folder, 'notes.txt')])
    await scripted.getByLabel('Or a whole folder').setInputFiles(path.join(folder, 'set'))
    await scripted.getByText('set/deep/others.bin').waitFor()
    await scripted.getByText('3 files').waitFor()
    await expect.poll(() => scripted.locator('[data-list]').getByText('New').count()).toBe(3)
    await expectAccessible(scripted, 'upload-chosen')
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.waitForURL(/\/commit\/[0-9a-f]{40}$/)
    await scripted.getByRole('heading', { name: 'Upload 3 files' }).waitFor()
    expect((await raw(scripted, 'main/set/deep/others.bin')).equals(others)).toBe(true)
    expect((await raw(scripted, 'main/set/a.csv')).toString()).toBe('a,b\n1,2\n')
    expect(asked.filter((line) => /^PUT \/lfs\/.*\/parts\//.test(line)).length).toBe(2)
    expect(asked.filter((line) => line.includes('/commit/main'))).toHaveLength(1)
    scripted.removeAllListeners('request')
    quiet()
  })

  /** As if files were dragged in from the desktop. */
  async function drop(page: Page, files: Readonly<Record<string, string>>): Promise<void> {
    // As text: the types of a browser are none of this program's.
    const transfer = await page.evaluateHandle(`(() => {
      const made = new DataTransfer()
      for (const [name, base64] of Object.entries(${JSON.stringify(files)}))
        made.items.add(new File([Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))], name))
      return made
    })()`)
    await page.dispatchEvent('[data-drop]', 'drop', { dataTransfer: transfer })
  }

  test('with scripts: what was dropped is sent once; bytes that are here already are not sent again', async () => {
    await open(scripted, '/upload/main')
    // The same bytes under another name.
    await drop(scripted, {
      'again.bin': others.toString('base64'),
      'notes.txt': Buffer.from('Other notes\n').toString('base64'),
    })
    await scripted.getByText('Replaces the one that is there').waitFor()
    const sent: string[] = []
    scripted.on('request', (request) => {
      if (request.method() === 'PUT') sent.push(request.url())
    })
    await scripted.getByLabel('Commit to a new branch').check()
    await scripted.getByLabel('Name of the new branch').fill('dropped')
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.waitForURL(/\/commit\/[0-9a-f]{40}$/)
    expect(sent).toEqual([])
    expect((await raw(scripted, 'dropped/again.bin')).equals(others)).toBe(true)
    expect((await raw(scripted, 'dropped/notes.txt')).toString()).toBe('Other notes\n')
    expect((await raw(scripted, 'main/notes.txt')).toString()).toBe('Some notes\n')
    scripted.removeAllListeners('request')
    quiet()
  })

  test('with scripts: what somebody changed meanwhile is told in its row and not replaced until the next press', async () => {
    await open(scripted, '/upload/main')
    await drop(scripted, { 'notes.txt': Buffer.from('Mine\n').toString('base64') })
    await scripted.getByText('Replaces the one that is there').waitFor()
    await open(plain, '/edit/main/notes.txt')
    await box(plain).fill('Theirs\n')
    await plain.getByRole('button', { name: 'Commit changes' }).click()
    await plain.getByText('notes.txt is committed').waitFor()
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.getByText('Somebody changed this file meanwhile').waitFor()
    expect((await raw(plain, 'main/notes.txt')).toString()).toBe('Theirs\n')
    await expectAccessible(scripted, 'upload-conflict')
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.waitForURL(/\/commit\/[0-9a-f]{40}$/)
    expect((await raw(plain, 'main/notes.txt')).toString()).toBe('Mine\n')
    quiet()
  })

  test('with scripts: who commits between two questions of one large upload is not overwritten', async () => {
    // The loss: 501 files are asked about in two requests. Somebody commits one of the first 500 between the two; the head that the second
    // answer names has their commit already, so a commit on top of it would be taken, and what they wrote be gone without a word.
    await open(scripted, '/new/main')
    await scripted.getByRole('textbox', { name: 'Path' }).fill('many/000.txt')
    await box(scripted).fill('First\n')
    await scripted.getByRole('button', { name: 'Commit changes' }).click()
    await scripted.getByText('many/000.txt is committed').waitFor()
    const files = Object.fromEntries(
      Array.from({ length: 501 }, (_, index) => [
        `${String(index).padStart(3, '0')}.txt`,
        Buffer.from(`Mine ${index}\n`).toString('base64'),
      ]),
    )
    await open(scripted, '/upload/main/many')
    await drop(scripted, files)
    await scripted.getByText('Replaces the one that is there').waitFor()
    await expect.poll(() => scripted.locator('[data-list]').getByText('New').count()).toBe(500)
    let questions = 0
    await scripted.route('**/preupload/**', async (route) => {
      if (++questions === 2) {
        await open(plain, '/edit/main/many/000.txt')
        await box(plain).fill('Theirs\n')
        await plain.getByRole('button', { name: 'Commit changes' }).click()
        await plain.getByText('many/000.txt is committed').waitFor()
      }
      await route.fallback()
    })
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.getByText('Somebody changed this file meanwhile').waitFor()
    expect((await raw(plain, 'main/many/000.txt')).toString()).toBe('Theirs\n')
    expect((await plain.request.get(`${site.url}/${repo.address}/resolve/main/many/500.txt`)).status()).toBe(404)
    await scripted.unrouteAll({ behavior: 'ignoreErrors' })
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.waitForURL(/\/commit\/[0-9a-f]{40}$/)
    expect((await raw(plain, 'main/many/000.txt')).toString()).toBe('Mine 0\n')
    quiet()
  })

  test('with scripts: a new branch that cannot be taken away again does not hide why the upload failed', async () => {
    // The loss: the commit is refused, taking the new branch away fails too, and all that is told is that the branch could not be deleted.
    await open(scripted, '/upload/main')
    await drop(scripted, { 'README.md': Buffer.from('---\ntags: {a: 1}\n---\n').toString('base64') })
    await scripted.getByText('Replaces the one that is there').waitFor()
    await scripted.getByLabel('Commit to a new branch').check()
    await scripted.getByLabel('Name of the new branch').fill('left-behind')
    await scripted.route('**/branch/left-behind', async (route) => {
      if (route.request().method() === 'DELETE') await route.fulfill({ status: 500, body: '{"error":"Later."}' })
      else await route.fallback()
    })
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.getByRole('alert').getByText('Invalid metadata in README.md').waitFor()
    await scripted.unrouteAll({ behavior: 'ignoreErrors' })
    expect(said.filter((line) => !/status of (400|500)/.test(line))).toEqual([])
    scripted.once('dialog', (leaving) => void leaving.accept())
  })

  test('with scripts: a refusal stands over the list and in its row, and the files are still there for the next press', async () => {
    await open(scripted, '/upload/main')
    await drop(scripted, { 'fine.txt': '', '.git~x': '' })
    await drop(scripted, { 'README.md': Buffer.from('---\ntags: {a: 1}\n---\n').toString('base64') })
    await scripted.getByText('3 files').waitFor()
    await scripted.getByRole('button', { name: 'Leave out .git~x' }).click()
    await scripted.getByText('2 files').waitFor()
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.getByRole('alert').getByText('Invalid metadata in README.md').waitFor()
    await scripted.getByText('Refused', { exact: true }).waitFor()
    await expectAccessible(scripted, 'upload-refused')
    expect((await plain.request.get(`${site.url}/${repo.address}/resolve/main/fine.txt`)).status()).toBe(404)
    await scripted.getByRole('button', { name: 'Leave out README.md' }).click()
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.waitForURL(/\/commit\/[0-9a-f]{40}$/)
    expect((await raw(plain, 'main/fine.txt')).length).toBe(0)
    expect(said.filter((line) => !/status of 400/.test(line))).toEqual([])
  })

  test('with scripts: a part that fails is sent again, a stopped upload leaves nothing, and the next press goes on', async () => {
    const bytes = randomBytes(900_000)
    await open(scripted, '/upload/main')
    await drop(scripted, { 'later.bin': bytes.toString('base64') })
    let failures = 0
    await scripted.route('**/parts/2?*', async (route) => {
      if (failures++ === 0) await route.fulfill({ status: 503, body: '{}' })
      else await route.fallback()
    })
    let held: (() => void) | null = null
    await scripted.route('**/parts/4?*', async (route) => {
      await new Promise<void>((resolve) => {
        held = resolve
      })
      await route.abort()
    })
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await expect.poll(() => held !== null, { timeout: 20_000 }).toBe(true)
    expect(failures).toBe(2)
    await expectAccessible(scripted, 'upload-running')
    await scripted.getByRole('button', { name: 'Stop' }).click()
    await scripted.getByText('Stopped. Nothing was changed').waitFor()
    expect((await plain.request.get(`${site.url}/${repo.address}/resolve/main/later.bin`)).status()).toBe(404)
    ;(held as (() => void) | null)?.()
    await scripted.unrouteAll({ behavior: 'ignoreErrors' })
    await scripted.getByRole('button', { name: 'Upload files' }).click()
    await scripted.waitForURL(/\/commit\/[0-9a-f]{40}$/)
    const sum = (of: Buffer) => createHash('sha256').update(of).digest('hex')
    expect(sum(await raw(plain, 'main/later.bin'))).toBe(sum(bytes))
    expect(said.filter((line) => !/status of (409|412|422|503)|ERR_FAILED/.test(line))).toEqual([])
  })
})

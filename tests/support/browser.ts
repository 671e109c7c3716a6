/**
 * A real Chromium for tests of pages. Where there is none it is said loudly; with HOLDFAST_TEST_REQUIRE_ALL that fails.
 * The scripts and styles of the pages come from the build, which `npm test` makes first: without one such a test fails.
 */
import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { assetUrl, findAsset } from '../../src/web/assets.ts'

const places = [
  process.env.HOLDFAST_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** The program, or null after saying how to get one. */
export function findChromium(): string | null {
  const found = places.find((place) => place !== undefined && existsSync(place))
  if (found !== undefined) {
    if (findAsset(assetUrl('styles.css').slice('/assets/'.length)) === null)
      throw new Error('Missing: the build. Run: npm run build')
    return found
  }
  const advice = 'apt-get install chromium, or name one in HOLDFAST_TEST_CHROMIUM'
  if (process.env.HOLDFAST_TEST_REQUIRE_ALL !== undefined) throw new Error(`Missing: Chromium. Install it: ${advice}`)
  console.warn(`\n  LEFT OUT: Chromium is missing. Install it: ${advice}\n`)
  return null
}

/** `keepsPages`: going back shows a page as it was left, as browsers of people do; otherwise it is loaded anew. */
export async function openBrowser(executablePath: string, keepsPages = false): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    ...(keepsPages ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
}

/** A page of somebody who has signed in through the form. */
export async function signInOn(
  browser: Browser,
  url: string,
  name: string,
  password: string,
  { javaScriptEnabled = true } = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, javaScriptEnabled })
  const page = await context.newPage()
  await page.goto(`${url}/login`)
  await page.getByLabel('Username or e-mail').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  return page
}

/** Axe finds nothing, light and dark, and nothing scrolls sideways; with HOLDFAST_TEST_PICTURES pictures are kept there. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  const pictures = process.env.HOLDFAST_TEST_PICTURES
  for (const colorScheme of ['dark', 'light'] as const) {
    // Colours that are on their way from one scheme to the other are none that anybody reads.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.waitForFunction('document.getAnimations().every((one) => one.playState !== "running")')
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 844 })
      const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect(beyond, `${name} at ${width}`).toBe(0)
      const file = `${pictures}/${name}-${colorScheme}-${width}.png`
      if (pictures !== undefined) await page.screenshot({ path: file, fullPage: true })
    }
  }
}

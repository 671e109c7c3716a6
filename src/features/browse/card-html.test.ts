import { describe, expect, test } from 'vitest'
import { cardHtml, withoutFrontMatter } from './card-html.ts'

const place = { repoPath: '/acme/m1', revision: 'main', origin: 'https://hub.example' }
const html = (markdown: string): string => cardHtml(markdown, place).trim()
const rel = 'rel="nofollow ugc noopener"'

describe('what a card says', () => {
  test('headings begin below the page and leave none out; each has an id of its own', () => {
    expect(html('# Hi *there*\n#### Deep\n## Hi there\n###### [x](y)')).toBe(
      '<h2 id="card-hi-there">Hi <em>there</em></h2>\n<h3 id="card-deep">Deep</h3>\n<h3 id="card-hi-there-1">Hi there</h3>\n' +
        `<h4 id="card-x"><a href="/acme/m1/blob/main/y" ${rel}>x</a></h4>`,
    )
  })

  test('relative links stay in the repo and the revision', () => {
    expect(html('[a](docs/x%20y.md?z#L3)')).toContain(`href="/acme/m1/blob/main/docs/x%20y.md#L3" ${rel}`)
    expect(html('[a](./docs/)')).toContain('href="/acme/m1/tree/main/docs"')
    expect(html('[a](docs/../b.md)')).toContain('href="/acme/m1/blob/main/b.md"')
    expect(html('[a](../../settings)')).toBe('<p><a>a</a></p>')
    expect(html('[a](..%2F..%2Fx)')).toBe('<p><a>a</a></p>')
    expect(html('[a](#deep) ')).toContain('href="#card-deep"')
  })

  test('links elsewhere are kept, those to this hub made short', () => {
    expect(html('[a](https://x.example/?a=1&b=2)')).toContain(`href="https://x.example/?a=1&amp;b=2" ${rel}`)
    expect(html('[a](https://hub.example/acme/m2)')).toContain('href="/acme/m2"')
    expect(html('[a](/datasets/acme/d1)')).toContain('href="/datasets/acme/d1"')
    expect(html('<https://x.example> <me@x.example>')).toContain('href="mailto:me@x.example"')
  })

  test('pictures come from this hub alone; others become links', () => {
    expect(html('![p](<img/a b.png>)')).toContain(
      '<img src="/acme/m1/resolve/main/img/a%20b.png" alt="p" loading="lazy" />',
    )
    expect(html('<img src="/acme/m2/blob/main/x.png" width="300" height=9999999>')).toBe(
      '<img src="/acme/m2/resolve/main/x.png" width="300" alt="" loading="lazy" />',
    )
    expect(html('![p](https://x.example/p.png)')).toBe(`<p><a href="https://x.example/p.png" ${rel}>p</a></p>`)
    expect(html('[![p](https://x.example/p.png)](LICENSE)')).toBe(
      `<p><a href="/acme/m1/blob/main/LICENSE" ${rel}><span>p</span></a></p>`,
    )
    expect(html('![p](https://hub.example/logout)')).not.toContain('<img')
    expect(html('![p](/.//x.example/a/b/resolve/main/x.png)')).not.toContain('<img')
  })

  test('tables and code can be reached and scrolled', () => {
    expect(html('||a|\n|--|:-:|\n|1|2|')).toMatch(
      /^<div class="scroll-x" tabindex="0" role="group" aria-label="Table"><table>[\s\S]*<td><\/td>\s*<th align="center">a<\/th>[\s\S]*<\/table><\/div>$/,
    )
    expect(html('```py\nprint("<b>")\n```')).toBe(
      '<pre tabindex="0" role="group" aria-label="Code"><code>print("&lt;b&gt;")\n</code></pre>',
    )
    expect(html('- [x] done\n- [ ] not')).toBe('<ul>\n<li>☑ done</li>\n<li>☐ not</li>\n</ul>')
  })

  test('some HTML is welcome', () => {
    expect(html('<center>c</center><details open class=x><summary>s</summary>t</details>')).toBe(
      '<div align="center">c</div><details open="open"><summary>s</summary>t</details>',
    )
    expect(html('<a name="Top"></a><h1 id="u v" align="center">x</h1>')).toBe(
      '<p><a id="card-Top"></a></p><h2 id="card-u-v" align="center">x</h2><p></p>',
    )
  })
})

describe('what a card may not do', () => {
  test.each([
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href=" &#1; javascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '![x](data:image/svg+xml;base64,PHN2Zz4=)',
    '<img src="x" onerror="alert(1)">',
    '<img src=x onerror=alert(1)//',
    '<img src="x" srcset="https://x.example/p 1x" style="position:fixed" class="btn" id="main">',
    '<svg onload=alert(1)><script>alert(1)</script></svg>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    '<math><mi xlink:href="data:x,<script>alert(1)</script>"></mi></math>',
    '<script>alert(1)</script>',
    '<scr<script>ipt>alert(1)</scr</script>ipt>',
    '<iframe src="javascript:alert(1)"></iframe><iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<form action="https://x.example"><input name=password><button formaction="javascript:alert(1)">x</button></form>',
    '<object data="javascript:alert(1)"></object><embed src="javascript:alert(1)">',
    '<meta http-equiv="refresh" content="0;url=https://x.example"><base href="https://x.example"><link rel=stylesheet href=x>',
    '<style>*{display:none}</style><p style="background:url(https://x.example)">x</p>',
    '<details ontoggle=alert(1) open>x</details>',
    '<video src="https://x.example" onerror=alert(1) autoplay></video><audio src=x onerror=alert(1)>',
    '<template><script>alert(1)</script></template>',
    '<p hidden popover id="main" tabindex="9" role="alert" aria-hidden="true" contenteditable accesskey="x" data-dialog data-copy="x">x</p>',
    // Samples that change their meaning when a browser reads them a second time.
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    '<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
    '<select><template><style><!--</style><a rel="--></style></template></select><img onerror=alert(1) src>">',
    '<textarea></textarea/><img src=x onerror=alert(1)></textarea>',
    '<xmp><p title="</xmp><img src=x onerror=alert(1)>">',
    '<title><p title="</title><img src=x onerror=alert(1)>"></title>',
    '<!--><img src=x onerror=alert(1)>--> <![CDATA[><img src=x onerror=alert(1)>]]>',
    '`<img src=x onerror=alert(1)>` \\<img src=x onerror=alert(1)>',
    '[x]: javascript:alert(1)\n[x]',
    '[a](<javascript:alert(1)> "t" onclick="alert(1)")',
    '![a"onerror="alert(1)](x "b\\"onerror=\\"alert(1)")',
    '```"><img src=x onerror=alert(1)>\nx\n```',
    '# <img src=x onerror=alert(1)> "onmouseover="alert(1)',
    '|<img src=x onerror=alert(1)>|\n|--|\n|</table><script>alert(1)</script>|',
  ])('%s', (attack) => {
    const found = tagsOf(html(attack))
    for (const { name, attributes } of found) {
      expect(allowedTags).toContain(name)
      for (const [attribute, value] of attributes) {
        expect(allowedAttributes).toContain(attribute)
        if (attribute === 'href') expect(value).toMatch(/^(#card-|\/(?!\/)|https?:\/\/|mailto:)/)
        if (attribute === 'src') expect(value).toMatch(/^\/[^/]+\/[^/]+\/resolve\//)
        if (attribute === 'id') expect(value).toMatch(/^card-/)
        if (attribute === 'class') expect(value).toBe('scroll-x')
        if (attribute === 'tabindex') expect(value).toBe('0')
      }
    }
  })

  test('what is nested deeply loses its tags, not its words', () => {
    const deep = html(`${'<div>'.repeat(500)}here${'</div>'.repeat(500)}`)
    expect(deep).toContain('here')
    expect(deep.split('<div>').length).toBeLessThan(70)
  })
})

test('the front matter is no part of the text', () => {
  expect(withoutFrontMatter('---\na: 1\n---\n# x')).toBe('# x')
  expect(withoutFrontMatter('\ufeff---\r\na: 1\r\n---  \r\n# x')).toBe('# x')
  expect(withoutFrontMatter('---\n---\n# x')).toBe('# x')
  expect(withoutFrontMatter('---\na: 1\n---')).toBe('')
  expect(withoutFrontMatter('---\nnever closed')).toBe('---\nnever closed')
  expect(withoutFrontMatter('# x\n---\n')).toBe('# x\n---\n')
})

const allowedTags =
  'a p div span h2 h3 h4 h5 h6 img pre code table thead tbody tr th td b em strong ul li details summary br'.split(' ')
const allowedAttributes =
  'href id rel title src alt loading class tabindex role aria-label align open width height'.split(' ')

/** Tags as a browser reads them in plain HTML content: what is allowed has no raw text and no foreign content, so this is all there is. */
function tagsOf(text: string): { name: string; attributes: [string, string][] }[] {
  const tags = [...text.matchAll(/<\/?([^\s/>]+)((?:\s+[^\s=>/]+(?:="[^"]*")?)*)\s*\/?>/g)]
  // Nothing that opens a tag, a comment or a declaration is left over.
  expect(text.replace(/<\/?[^\s/>]+(?:\s+[^\s=>/]+(?:="[^"]*")?)*\s*\/?>/g, '')).not.toContain('<')
  return tags.map(([, name = '', attributes = '']) => ({
    name,
    attributes: [...attributes.matchAll(/([^\s=]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, value]),
  }))
}

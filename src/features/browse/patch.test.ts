import { expect, test } from 'vitest'
import { parsePatch } from './patch.ts'

const patch = `diff --git a/a.txt b/a.txt
index 1..2 100644
--- a/a.txt
+++ b/a.txt
@@ -1,3 +1,3 @@ def f():
 one
-two
+zwei
 three
\\ No newline at end of file
@@ -10 +10,2 @@
--- a line that begins with two signs
+diff --git a/x b/x
+@@ -1 +1 @@
diff --git a/pic b/pic
index 3..4 100644
Binary files a/pic and b/pic differ
diff --git a/old b/new
similarity index 100%
rename from old
rename to new
`

test('sections, hunks and numbers; content never passes for a head', () => {
  const [text, picture, renamed, ...rest] = parsePatch(patch, false, 100)
  expect(rest).toEqual([])
  expect(text?.hunks.map(({ header }) => header)).toEqual(['@@ -1,3 +1,3 @@ def f():', '@@ -10 +10,2 @@'])
  expect(text?.hunks[0]?.lines).toEqual([
    { kind: 'same', oldNumber: 1, newNumber: 1, text: 'one' },
    { kind: 'removed', oldNumber: 2, newNumber: null, text: 'two' },
    { kind: 'added', oldNumber: null, newNumber: 2, text: 'zwei' },
    { kind: 'same', oldNumber: 3, newNumber: 3, text: 'three' },
  ])
  expect(text?.hunks[1]?.lines).toEqual([
    { kind: 'removed', oldNumber: 10, newNumber: null, text: '-- a line that begins with two signs' },
    { kind: 'added', oldNumber: null, newNumber: 10, text: 'diff --git a/x b/x' },
    { kind: 'added', oldNumber: null, newNumber: 11, text: '@@ -1 +1 @@' },
  ])
  expect(picture).toMatchObject({ isBinary: true, hunks: [], isCut: false })
  expect(renamed).toMatchObject({ isBinary: false, hunks: [], isCut: false })
})

test('what goes beyond the lines of a page, or ends early, says so', () => {
  const [text, picture] = parsePatch(patch, false, 2)
  expect(text?.hunks.flatMap(({ lines }) => lines)).toHaveLength(2)
  expect([text?.isCut, picture?.isCut]).toEqual([true, false])
  const cut = parsePatch(patch.slice(0, patch.indexOf('zwei') + 2), true, 100)
  expect(cut).toHaveLength(1)
  expect(cut[0]).toMatchObject({ isCut: true })
  expect(cut[0]?.hunks[0]?.lines.map(({ text }) => text)).toEqual(['one', 'two'])
  const [long] = parsePatch(`diff --git a/x b/x\n@@ -0,0 +1 @@\n+${'x'.repeat(5_000)}\n`, false, 10)
  expect(long?.hunks[0]?.lines[0]?.text).toHaveLength(1_001)
})

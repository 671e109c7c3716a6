// Makes src/platform/xet/codec-module.ts of src/platform/xet/codec.as, so that nobody needs the compiler to run or test.
//   node scripts/build-codec.mjs           writes it
//   node scripts/build-codec.mjs --check   says whether it is what the source gives, exit 1 if not
import { readFileSync, writeFileSync } from 'node:fs'
import asc from 'assemblyscript/asc'

const folder = new URL('../src/platform/xet/', import.meta.url)
const target = new URL('codec-module.ts', folder)

const binary = await compile(readFileSync(new URL('codec.as', folder), 'utf8'))
const text = [
  '/** Made of codec.as by scripts/build-codec.mjs: a WebAssembly module (SIMD), in base64 so that it needs no file beside the program. */',
  `export const codecModule =\n  '${Buffer.from(binary).toString('base64')}'`,
  '',
].join('\n')

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') === text) process.exit(0)
  console.error('src/platform/xet/codec-module.ts is not what codec.as gives: run node scripts/build-codec.mjs')
  process.exit(1)
}
writeFileSync(target, text)
console.log(`codec-module.ts: ${binary.length} bytes of WebAssembly`)

/** The source has its own ending, since to the project's compiler it is not TypeScript. */
async function compile(source) {
  let made = null
  const { error, stderr } = await asc.main(
    // Without `abort` there is nothing to import: what cannot go on is a trap.
    'codec.ts --outFile codec.wasm -O3 --converge --noAssert --runtime stub --enable simd --use abort='.split(' '),
    {
      readFile: (name) => (name === 'codec.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'codec.wasm') made = contents
      },
      listFiles: () => [],
    },
  )
  if (error !== null || made === null) throw new Error(`codec.as does not compile:\n${stderr.toString()}`)
  return made
}

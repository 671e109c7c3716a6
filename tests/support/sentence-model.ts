/** A sentence embedding of the size of all-MiniLM-L6 (6 layers of 384, 12 heads): weights that nobody trained cost as much as others. */
import { node, onnxFile, tensor, value } from './onnx-writer.ts'
import { type ModelFiles, scattered, tokenizer, words } from './tiny-models.ts'

const [layers, width, heads, inner, context] = [6, 384, 12, 1_536, 512]

export function sentenceModel(): ModelFiles {
  const weights: Uint8Array[] = []
  const nodes: Uint8Array[] = []
  let seed = 0
  const floats = (name: string, dims: readonly number[], by: number): string => {
    const count = dims.reduce((product, dim) => product * dim, 1)
    const data = by === 1 ? new Float32Array(count).fill(1) : scattered(count, ++seed).map((one) => one * by)
    weights.push(tensor(name, dims, data))
    return name
  }
  const numbers = (name: string, ...data: readonly number[]): string => {
    weights.push(tensor(name, [data.length], BigInt64Array.from(data, BigInt)))
    return name
  }
  const add = (operator: string, inputs: readonly string[], output: string, attributes = {}): string => {
    nodes.push(node(operator, inputs, [output], attributes))
    return output
  }
  const linear = (from: string, name: string, to: number, wide = width): string => {
    const product = add('MatMul', [from, floats(`${name}.weight`, [wide, to], 0.05)], `${name}.product`)
    return add('Add', [product, floats(`${name}.bias`, [to], 0.01)], name)
  }
  const norm = (from: string, name: string): string =>
    add(
      'LayerNormalization',
      [from, floats(`${name}.weight`, [width], 1), floats(`${name}.bias`, [width], 0.01)],
      name,
      {
        axis: -1,
        epsilon: { float: 1e-12 },
      },
    )
  const one = (name: string, number: number): string => {
    weights.push(tensor(name, [1], Float32Array.of(number)))
    return name
  }

  const split = numbers('split', 0, 0, heads, width / heads)
  const joined = numbers('joined', 0, 0, width)
  const axes = numbers('axes', 1, 2)
  const scale = one('scale', Math.sqrt(width / heads))
  const [half, unit, root] = [one('half', 0.5), one('unit', 1), one('root', Math.SQRT2)]
  // What is padding gets no attention.
  const seen = add('Cast', ['attention_mask'], 'seen', { to: 1 })
  const unseen = add('Sub', [unit, seen], 'unseen')
  const far = add('Mul', [unseen, one('far away', -1e9)], 'far')
  const mask = add('Unsqueeze', [far, axes], 'mask')
  let x = norm(add('Gather', [floats('words', [words.length, width], 0.5), 'input_ids'], 'rows'), 'embedded')
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `layer ${layer} ${part}`
    const head = (part: string, order: readonly number[]): string => {
      const flat = add('Reshape', [linear(x, name(part), width), split], name(`${part} split`))
      return add('Transpose', [flat], name(`${part} heads`), { perm: order })
    }
    const [query, key, values] = [head('query', [0, 2, 1, 3]), head('key', [0, 2, 3, 1]), head('value', [0, 2, 1, 3])]
    const scores = add('Div', [add('MatMul', [query, key], name('products')), scale], name('scores'))
    const attention = add('Softmax', [add('Add', [scores, mask], name('masked'))], name('attention'), { axis: -1 })
    const mixed = add('Transpose', [add('MatMul', [attention, values], name('mixed'))], name('turned'), {
      perm: [0, 2, 1, 3],
    })
    const out = linear(add('Reshape', [mixed, joined], name('whole')), name('output'), width)
    x = norm(add('Add', [x, out], name('sum')), name('first'))
    const wide = linear(x, name('inner'), inner)
    const erf = add('Erf', [add('Div', [wide, root], name('scaled'))], name('erf'))
    const gelu = add(
      'Mul',
      [add('Mul', [wide, add('Add', [erf, unit], name('above'))], name('product')), half],
      name('gelu'),
    )
    x = norm(add('Add', [x, linear(gelu, name('outer'), width, inner)], name('second sum')), name('second'))
  }
  add('Identity', [x], 'last_hidden_state')
  return {
    ...tokenizer({ most: context }),
    'config.json': Buffer.from(
      JSON.stringify({
        model_type: 'bert',
        architectures: ['BertModel'],
        hidden_size: width,
        num_hidden_layers: layers,
        max_position_embeddings: context,
        vocab_size: words.length,
      }),
    ),
    'onnx/model.onnx': onnxFile({
      inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
        value(name, 'int64', ['batch', 'length']),
      ),
      outputs: [value('last_hidden_state', 'float', ['batch', 'length', width])],
      weights,
      nodes,
    }),
  }
}

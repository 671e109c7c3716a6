/** What the process counts, in the text format of Prometheus. */
import { expect, test } from 'vitest'
import { openMetrics } from './metrics.ts'

test('counters, histograms and readings are written as Prometheus reads them', () => {
  const metrics = openMetrics()
  const calls = metrics.counter('calls_total', 'Calls.', { kind: ['vllm', 'none'], status: ['2xx', '5xx'] })
  calls.add({ kind: 'vllm', status: '2xx' })
  calls.add({ kind: 'vllm', status: '2xx' }, 2)
  calls.add({ kind: 'none', status: '5xx' })
  const seconds = metrics.histogram('seconds', 'Time.', { kind: ['vllm'] }, [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ kind: 'vllm' }, value)
  metrics.reading({
    name: 'memory_bytes',
    help: 'Memory.',
    type: 'gauge',
    samples: () => [{ value: 12 }, { labels: { of: 'a "b"\\\n' }, value: 0.5 }],
  })
  expect(metrics.write([{ name: 'jobs', help: 'Jobs.', type: 'gauge', samples: () => [] }])).toBe(
    [
      '# HELP calls_total Calls.',
      '# TYPE calls_total counter',
      'calls_total{kind="vllm",status="2xx"} 3',
      'calls_total{kind="none",status="5xx"} 1',
      '# HELP seconds Time.',
      '# TYPE seconds histogram',
      'seconds_bucket{kind="vllm",le="0.1"} 2',
      'seconds_bucket{kind="vllm",le="1"} 3',
      'seconds_bucket{kind="vllm",le="+Inf"} 4',
      'seconds_sum{kind="vllm"} 7.65',
      'seconds_count{kind="vllm"} 4',
      '# HELP memory_bytes Memory.',
      '# TYPE memory_bytes gauge',
      'memory_bytes 12',
      'memory_bytes{of="a \\"b\\"\\\\\\n"} 0.5',
      '# HELP jobs Jobs.',
      '# TYPE jobs gauge',
      '',
    ].join('\n'),
  )
  expect(() => metrics.counter('seconds', 'Again.', {})).toThrow('There is a metric seconds already.')
})

// The story: whoever calls the hub puts what they like where a label is taken from, a million times, until memory is full of series.
test('what is none of the values of a label is counted as other', () => {
  const metrics = openMetrics()
  const calls = metrics.counter('calls_total', 'Calls.', { kind: ['vllm'] })
  for (let at = 0; at < 10_000; at++) calls.add({ kind: `made up ${at}"} 1\n` })
  expect(metrics.write()).toBe(
    '# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{kind="other"} 10000\n',
  )
})

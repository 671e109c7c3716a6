/** How much of a file is read and shown (docs/file-views.md tells them). */
export const limits = {
  /** Bytes that one view may read of a file, whatever its format asks for. */
  read: 96 << 20,
  /** Bytes from the beginning in which rows of CSV and JSON lines are looked for. */
  rowsRead: 8 << 20,
  /** Bytes of formats that are read whole: JSON and notebooks. */
  whole: 8 << 20,
  safetensorsHeader: 25 << 20,
  ggufHeader: 64 << 20,
  parquetFooter: 16 << 20,
  /** Bytes of columns that one page of Parquet reads, and what they may become unpacked. */
  parquetColumns: 32 << 20,
  parquetUnpacked: 192 << 20,
  rowsAtOnce: 100,
  columns: 50,
  cellCharacters: 300,
  tensorsAtOnce: 500,
  tensors: 200_000,
  metadata: 200,
  metadataCharacters: 1_000,
  cellsAtOnce: 100,
  outputCharacters: 10_000,
  /** Of text that gets colours. */
  highlightCharacters: 120_000,
} as const

#!/usr/bin/env bash
# Installs the Python clients that the compatibility tests run, each set in a virtual environment of its own:
#   newest   the newest huggingface_hub with datasets
#   last1    the last 1.x huggingface_hub
#   pickles  what writes pickles: numpy, scikit-learn, joblib, pandas
#   model-signing  OpenSSF model signing, with pyOpenSSL, which it needs and does not name
#   inference  openai and huggingface_hub, and llama.cpp with what makes a model for it
#   models   what writes other models and archives: onnx, h5py, py7zr, lz4
# HOLDFAST_TEST_VENVS says where (default: .venv beside package.json). Installing again is quick and harmless.
# With --long, transformers and torch too, and an older pinned pair that still sends use_auth_token=.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
venvs=${HOLDFAST_TEST_VENVS:-$here/.venv}
mkdir -p "$venvs"

make() { # make NAME PACKAGE...
  local folder=$venvs/$1
  shift
  local wanted="$*"
  if [ -f "$folder/.installed" ] && [ "$(cat "$folder/.installed")" = "$wanted" ]; then return; fi
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
  printf '%s' "$wanted" >"$folder/.installed"
}

make newest 'huggingface_hub' 'datasets'
make last1 'huggingface_hub>=1,<2'
make pickles 'numpy' 'scikit-learn' 'joblib' 'pandas'
make model-signing 'model-signing' 'pyOpenSSL'
make inference 'openai' 'huggingface_hub' 'xllamacpp' 'gguf' 'numpy'
make models 'numpy' 'onnx' 'h5py' 'py7zr' 'lz4' 'joblib'
if [ "${1:-}" = --long ]; then
  make transformers 'transformers' 'torch' 'safetensors' 'accelerate'
  make older 'transformers==4.30.2' 'datasets==2.13.1' 'huggingface_hub==0.16.4' 'tokenizers==0.13.3' 'numpy<2' 'pyarrow<15' 'pandas<2.1' 'fsspec==2023.6.0'
fi
echo "Clients are in $venvs"

